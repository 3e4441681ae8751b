import ServiceKit

/// How long messages are kept, in days since they were accepted. What is not final stays, however old.
struct RetentionSettings: Sendable, Equatable {
  /// `SLUICE_REDACT_AFTER_DAYS`: then text, numbers and answers are taken out.
  var redactAfter = 90
  /// `SLUICE_DROP_AFTER_DAYS`: then nothing is left.
  var dropAfter = 400

  /// - Throws: `ConfigurationError` with every mistake.
  static func load(_ settings: Settings = Settings()) throws -> RetentionSettings {
    let redact = settings.redactAfterDays
    let drop = settings.dropAfterDays(redactAfter: redact)
    if drop < redact {
      settings.note("SLUICE_DROP_AFTER_DAYS", "must not be less than SLUICE_REDACT_AFTER_DAYS")
    }
    try settings.check()
    return RetentionSettings(redactAfter: redact, dropAfter: drop)
  }
}
