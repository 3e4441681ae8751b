import Logging

/// How the log is written to standard error.
public enum LogFormat: String, Sendable, CaseIterable {
  case text, json

  /// A handler of this format for one logger.
  public func handler(
    label: String, level: Logger.Level, metadataProvider: Logger.MetadataProvider? = nil,
    sink: any LogSink = StandardErrorSink()
  ) -> any LogHandler {
    switch self {
    case .text: TextLogHandler(label: label, logLevel: level, metadataProvider: metadataProvider, sink: sink)
    case .json: JSONLogHandler(label: label, logLevel: level, metadataProvider: metadataProvider, sink: sink)
    }
  }
}
