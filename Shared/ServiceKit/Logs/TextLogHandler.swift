import Contracts
import Logging

/// Lines for people: `2026-11-21T08:15:30.123Z warning scheduler: lease lost [epoch=4 instance=a]`.
public struct TextLogHandler: LogHandler {
  public var logLevel: Logger.Level
  public var metadata: Logger.Metadata = [:]
  public var metadataProvider: Logger.MetadataProvider?
  private let label: String
  private let sink: any LogSink

  public init(
    label: String, logLevel: Logger.Level = .info, metadataProvider: Logger.MetadataProvider? = nil,
    sink: any LogSink = StandardErrorSink()
  ) {
    self.label = label
    self.logLevel = logLevel
    self.metadataProvider = metadataProvider
    self.sink = sink
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: LogEvent) {
    let fields = LogFields.merge(handler: metadata, provider: metadataProvider, event: event)
    var line = "\(Timestamp.now()) \(event.level) \(label): \(Self.oneLine("\(event.message)"))"
    if !fields.isEmpty {
      let pairs = fields.sorted { $0.key < $1.key }.map { "\($0.key)=\(Self.quoted("\($0.value)"))" }
      line += " [\(pairs.joined(separator: " "))]"
    }
    sink.write(line)
  }

  /// Scalar by scalar: CR LF is one character to Swift, and so is a quote with a combining mark.
  private static func oneLine(_ text: String, isQuoted: Bool = false) -> String {
    var line = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": line.append(contentsOf: "\\n".unicodeScalars)
      case "\r": line.append(contentsOf: "\\r".unicodeScalars)
      case "\"" where isQuoted, "\\" where isQuoted: line.append(contentsOf: ["\\", scalar])
      // What a terminal or a reader of lines would take for an end of line or a command.
      case _ where scalar.properties.generalCategory == .control && scalar != "\t", "\u{2028}", "\u{2029}":
        line.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
      default: line.append(scalar)
      }
    }
    return String(line)
  }

  /// Quoted where a reader could not tell where the value ends.
  private static func quoted(_ text: String) -> String {
    let isPlain =
      !text.isEmpty
      && !text.unicodeScalars.contains {
        $0.properties.isWhitespace || $0.properties.generalCategory == .control || $0 == "\"" || $0 == "]" || $0 == "="
      }
    return isPlain ? text : "\"\(oneLine(text, isQuoted: true))\""
  }
}
