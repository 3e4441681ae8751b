import Contracts
import Logging

/// Lines for programs: one JSON object each, with `time`, `level`, `logger`, `message` and the metadata beside them.
public struct JSONLogHandler: LogHandler {
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
    var line = JSONLine()
    line.add("time", Timestamp.now().description)
    line.add("level", event.level.rawValue)
    line.add("logger", label)
    line.add("message", "\(event.message)")
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
      line.add(Self.reserved.contains(key) ? "metadata.\(key)" : key, value)
    }
    sink.write(line.finish())
  }

  private static let reserved: Set<String> = ["time", "level", "logger", "message"]
}
