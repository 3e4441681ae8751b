import Logging

/// Everything that one log line carries beside its message.
enum LogFields {
  /// The line's own metadata wins over the provider's, the provider's over the logger's.
  static func merge(
    handler: Logger.Metadata, provider: Logger.MetadataProvider?, event: LogEvent
  ) -> Logger.Metadata {
    var fields = handler
    if let provider { fields.merge(provider.get()) { _, new in new } }
    if let metadata = event.metadata { fields.merge(metadata) { _, new in new } }
    if let error = event.error, fields[LogKey.error] == nil { fields[LogKey.error] = "\(error)" }
    return fields
  }
}
