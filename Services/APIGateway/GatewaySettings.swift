import PhoneNumbers
import ServiceKit

/// What only the gateway is set by.
struct GatewaySettings: Sendable {
  /// `SLUICE_HTTP_HOST`
  var host = "127.0.0.1"
  /// `SLUICE_HTTP_PORT`; 0 lets the kernel pick.
  var port = 8080
  /// `SLUICE_HTTP_CONNECTIONS`: open at once; more wait to be accepted.
  var connections = 4_096
  /// `SLUICE_BODY_LIMIT`, in bytes.
  var bodyLimit = 2 * 1024 * 1024
  /// `SLUICE_MAX_RECIPIENTS`, `SLUICE_MAX_CHARACTERS`, `SLUICE_MAX_SEGMENTS`
  var limits = SubmissionLimits()
  /// `SLUICE_IDEMPOTENCY_DAYS`: how long a repeat is known by its key.
  var idempotencyDays = 400
  /// `SLUICE_EVENT_STREAMS`, `SLUICE_EVENT_STREAMS_PER_USER`
  var events = EventStreamLimits()
  /// `SLUICE_DEFAULT_REGION`: where numbers without a country code are.
  var defaultRegion = "HK"
  /// `SLUICE_NUMBER_CHECK`: `possible` or `valid`.
  var numberCheck = PhoneNumberParser.Check.possible
  /// `SLUICE_ADMIN_USER`, `SLUICE_ADMIN_PASSWORD`, `SLUICE_ADMIN_TOKEN`
  var firstAdmin = FirstAdmin()
  /// `SLUICE_SESSION_HOURS`: how long a login lasts.
  var sessionHours = 12
  /// `SLUICE_TRUSTED_PROXIES`: whose `X-Forwarded-For` is believed.
  var addresses = ClientAddress()
  /// `SLUICE_AUDIT_DAYS`: how long the audit is kept.
  var auditDays = 730
  /// `SLUICE_TIME_ZONE`: where a calendar day begins, for daily limits.
  var calendar = LocalCalendar()
  /// From the file that `SLUICE_PROVIDERS` names.
  var providers: [ConfiguredProvider] = []
}

extension GatewaySettings {
  /// Reads them all from the environment and `/run/secrets`.
  /// - Throws: `ConfigurationError` with every mistake.
  static func load(_ settings: Settings = Settings()) throws -> GatewaySettings {
    var gateway = GatewaySettings()
    gateway.host = settings.string("SLUICE_HTTP_HOST", default: gateway.host)
    gateway.port = settings.int("SLUICE_HTTP_PORT", default: gateway.port, in: 0...65_535)
    gateway.connections = settings.int("SLUICE_HTTP_CONNECTIONS", default: gateway.connections, in: 1...1_000_000)
    gateway.bodyLimit = settings.int("SLUICE_BODY_LIMIT", default: gateway.bodyLimit, in: 1_024...64 * 1024 * 1024)
    let limits = gateway.limits
    gateway.limits.recipients = settings.int("SLUICE_MAX_RECIPIENTS", default: limits.recipients, in: 1...10_000)
    gateway.limits.characters = settings.int("SLUICE_MAX_CHARACTERS", default: limits.characters, in: 1...10_000)
    gateway.limits.segments = settings.int("SLUICE_MAX_SEGMENTS", default: limits.segments, in: 1...100)
    gateway.idempotencyDays = settings.int(
      "SLUICE_IDEMPOTENCY_DAYS", default: gateway.idempotencyDays, in: 1...36_500)
    let events = gateway.events
    gateway.events.streams = settings.int("SLUICE_EVENT_STREAMS", default: events.streams, in: 1...100_000)
    gateway.events.streamsPerUser = settings.int(
      "SLUICE_EVENT_STREAMS_PER_USER", default: events.streamsPerUser, in: 1...10_000)
    gateway.defaultRegion = settings.string("SLUICE_DEFAULT_REGION", default: gateway.defaultRegion)
    if !PhoneNumberParser.isKnown(region: gateway.defaultRegion) {
      settings.note("SLUICE_DEFAULT_REGION", "must be a country's two capital letters, such as HK")
    }
    gateway.numberCheck = settings.choice("SLUICE_NUMBER_CHECK", default: gateway.numberCheck)
    gateway.firstAdmin = firstAdmin(settings)
    gateway.sessionHours = settings.int("SLUICE_SESSION_HOURS", default: gateway.sessionHours, in: 1...8_760)
    gateway.auditDays = settings.int("SLUICE_AUDIT_DAYS", default: gateway.auditDays, in: 1...36_500)
    gateway.addresses = ClientAddress(trusted: trustedProxies(settings))
    if let name = settings.string("SLUICE_TIME_ZONE") {
      if let calendar = LocalCalendar(name) {
        gateway.calendar = calendar
      } else {
        settings.note("SLUICE_TIME_ZONE", "must be a time zone's name, such as Asia/Hong_Kong")
      }
    }
    try settings.check()
    return gateway
  }

  private static func trustedProxies(_ settings: Settings) -> [AddressRange] {
    settings.string("SLUICE_TRUSTED_PROXIES", default: "").split(whereSeparator: { ", ".contains($0) }).compactMap {
      let range = AddressRange(String($0))
      if range == nil { settings.note("SLUICE_TRUSTED_PROXIES", "must list addresses or blocks such as 10.0.0.0/8") }
      return range
    }
  }

  private static func firstAdmin(_ settings: Settings) -> FirstAdmin {
    let password = settings.secret("SLUICE_ADMIN_PASSWORD")
    let token = settings.secret("SLUICE_ADMIN_TOKEN")
    let username = settings.string("SLUICE_ADMIN_USER", default: "admin")
    if username.utf8.count > 255 { settings.note("SLUICE_ADMIN_USER", "may have at most 255 characters") }
    if let token, token.utf8.count < 16 || token.contains(where: \.isWhitespace) {
      settings.note("SLUICE_ADMIN_TOKEN", "must have at least 16 characters and no space")
    }
    return FirstAdmin(username: username, password: password, token: token)
  }
}
