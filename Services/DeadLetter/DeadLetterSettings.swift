import ServiceKit

/// What only this service is set by.
struct DeadLetterSettings: Sendable {
  /// `SLUICE_LETTER_RETENTION`: how long closed letters and poison are kept.
  var retention = Duration.seconds(90 * 86_400)
  /// `SLUICE_REDACT_AFTER_DAYS`: when, since its message was accepted, text and number of a closed letter go.
  var redactAfter = 90

  static func load(_ settings: Settings = Settings()) throws -> DeadLetterSettings {
    let loaded = DeadLetterSettings(
      retention: settings.duration(
        "SLUICE_LETTER_RETENTION", default: .seconds(90 * 86_400), in: .seconds(3600) ... .seconds(3660 * 86_400)),
      redactAfter: settings.redactAfterDays)
    try settings.check()
    return loaded
  }
}
