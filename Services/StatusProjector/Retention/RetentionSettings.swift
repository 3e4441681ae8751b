import ServiceKit

/// How long messages are kept, in days since they were accepted. What is not final stays, however old.
struct RetentionSettings: Sendable, Equatable {
  /// `SLUICE_REDACT_AFTER_DAYS`: then text, numbers and answers are taken out.
  var redactAfter = 90
  /// `SLUICE_DROP_AFTER_DAYS`: then nothing is left.
  var dropAfter = 400

  /// The log would bring back what is dropped before it is gone from there.
  private static let logDays = 7

  /// - Throws: `ConfigurationError` with every mistake.
  static func load(_ settings: Settings = Settings()) throws -> RetentionSettings {
    let standard = RetentionSettings()
    let redact = settings.redactAfterDays
    let drop = settings.int(
      "SLUICE_DROP_AFTER_DAYS", default: max(standard.dropAfter, redact), in: (logDays + 1)...36_500)
    if drop < redact {
      settings.note("SLUICE_DROP_AFTER_DAYS", "must not be less than SLUICE_REDACT_AFTER_DAYS")
    }
    try settings.check()
    return RetentionSettings(redactAfter: redact, dropAfter: drop)
  }
}
