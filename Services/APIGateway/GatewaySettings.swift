import Foundation
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
  /// `SLUICE_HTTP_IDLE_SECONDS`: how long a connection stays open without a whole head of a request, and how long a
  /// caller may take to read an answer.
  var idleSeconds = 60
  /// `SLUICE_DRAIN_SECONDS`: how long requests are still taken after the word to stop, while `ready` says no.
  var drainSeconds = 1
  /// `SLUICE_API_RATE`: requests a second of all users.
  var requestRate = 500
  /// `SLUICE_API_USER_RATE`: requests a second of each user who has no limit of their own.
  var userRequestRate = 200
  /// `SLUICE_API_COMMAND_RATE`: commands a second of each user (pause, resume, cancel, retry, replay, settings).
  var commandRate = 20
  /// `SLUICE_CORS_ORIGINS`: whose pages may call the API, separated by commas; `*` for all.
  var corsOrigins: Set<String> = []
  /// `SLUICE_PUBLIC_URL`: where callers reach this service.
  var publicURL: String?
  /// `SLUICE_BODY_SECONDS`: how long a caller may take to send a body.
  var bodySeconds = 15
  /// Between two readings of users and tokens, when no fact tells sooner; not to be set from outside.
  var accountsInterval = Duration.seconds(2)
  /// `SLUICE_BODY_LIMIT`, in bytes.
  var bodyLimit = 2 * 1024 * 1024
  /// `SLUICE_MAX_RECIPIENTS`, `SLUICE_MAX_CHARACTERS`, `SLUICE_MAX_SEGMENTS`
  var limits = SubmissionLimits()
  /// `SLUICE_IDEMPOTENCY_DAYS`: how long a repeat is known by its key; not shorter than `SLUICE_DROP_AFTER_DAYS`, which the
  /// projector has to be given, too.
  var idempotencyDays = 400
  /// `SLUICE_EVENT_STREAMS`, `SLUICE_EVENT_STREAMS_PER_USER`
  var events = EventStreamLimits()
  /// `SLUICE_DEFAULT_REGION`: where numbers without a country code are.
  var defaultRegion = "HK"
  /// `SLUICE_NUMBER_CHECK`: `possible`, `mobile` or `valid`.
  var numberCheck = PhoneNumberParser.Check.possible
  /// `SLUICE_TIME_ZONE`: where a date without a time is a day, and a daily limit begins anew.
  var timeZone = TimeZone(identifier: "Asia/Hong_Kong") ?? .gmt
  /// `SLUICE_ADMIN_USER`, `SLUICE_ADMIN_PASSWORD`, `SLUICE_ADMIN_TOKEN`
  var firstAdmin = FirstAdmin()
  /// `SLUICE_SESSION_HOURS`: how long a login lasts.
  var sessionHours = 12
  /// `SLUICE_TRUSTED_PROXIES`: whose `X-Forwarded-For` is believed.
  var addresses = ClientAddress()
  /// `SLUICE_AUDIT_DAYS`: how long the audit is kept.
  var auditDays = 730
  /// `SLUICE_READ_WAIT_SECONDS`: how long a request for a message waits until the read side has come to it.
  var readWaitSeconds = 1
  /// `SLUICE_PANEL_ENQUIRY`: whether the panel offers to add an enquiry number to a text.
  var hasEnquiryNumber = true
  /// From the file that `SLUICE_PROVIDERS` names.
  var providers: [ConfiguredProvider] = []
}

extension GatewaySettings {
  var calendar: LocalCalendar { LocalCalendar(zone: timeZone) }

  /// True when callers come by TLS.
  var isBehindTLS: Bool { publicURL?.hasPrefix("https://") == true }

  /// Reads them all from the environment and `/run/secrets`.
  /// - Throws: `ConfigurationError` with every mistake.
  static func load(_ settings: Settings = Settings()) throws -> GatewaySettings {
    var gateway = GatewaySettings()
    gateway.host = settings.string("SLUICE_HTTP_HOST", default: gateway.host)
    gateway.port = settings.int("SLUICE_HTTP_PORT", default: gateway.port, in: 0...65_535)
    gateway.connections = settings.int("SLUICE_HTTP_CONNECTIONS", default: gateway.connections, in: 1...1_000_000)
    gateway.bodyLimit = settings.int("SLUICE_BODY_LIMIT", default: gateway.bodyLimit, in: 1_024...64 * 1024 * 1024)
    gateway.bodySeconds = settings.int("SLUICE_BODY_SECONDS", default: gateway.bodySeconds, in: 1...3_600)
    gateway.idleSeconds = settings.int("SLUICE_HTTP_IDLE_SECONDS", default: gateway.idleSeconds, in: 1...3_600)
    gateway.drainSeconds = settings.int("SLUICE_DRAIN_SECONDS", default: gateway.drainSeconds, in: 0...300)
    gateway.requestRate = settings.int("SLUICE_API_RATE", default: gateway.requestRate, in: 1...1_000_000)
    gateway.userRequestRate = settings.int("SLUICE_API_USER_RATE", default: gateway.userRequestRate, in: 1...1_000_000)
    gateway.commandRate = settings.int("SLUICE_API_COMMAND_RATE", default: gateway.commandRate, in: 1...1_000_000)
    gateway.corsOrigins = corsOrigins(settings)
    gateway.publicURL = publicURL(settings)
    let limits = gateway.limits
    gateway.limits.recipients = settings.int("SLUICE_MAX_RECIPIENTS", default: limits.recipients, in: 1...10_000)
    gateway.limits.characters = settings.int("SLUICE_MAX_CHARACTERS", default: limits.characters, in: 1...10_000)
    gateway.limits.segments = settings.int("SLUICE_MAX_SEGMENTS", default: limits.segments, in: 1...100)
    gateway.idempotencyDays = settings.int(
      "SLUICE_IDEMPOTENCY_DAYS", default: gateway.idempotencyDays, in: 1...36_500)
    let dropAfter = settings.dropAfterDays(redactAfter: settings.redactAfterDays)
    if gateway.idempotencyDays < dropAfter {
      // The repeat would be sent under the id of a message that is still shown as sent long ago.
      settings.note("SLUICE_IDEMPOTENCY_DAYS", "must not be less than SLUICE_DROP_AFTER_DAYS, which is \(dropAfter)")
    }
    let events = gateway.events
    gateway.events.streams = settings.int("SLUICE_EVENT_STREAMS", default: events.streams, in: 1...100_000)
    gateway.events.streamsPerUser = settings.int(
      "SLUICE_EVENT_STREAMS_PER_USER", default: events.streamsPerUser, in: 1...10_000)
    gateway.defaultRegion = settings.string("SLUICE_DEFAULT_REGION", default: gateway.defaultRegion)
    if !PhoneNumberParser.isKnown(region: gateway.defaultRegion) {
      settings.note("SLUICE_DEFAULT_REGION", "must be a country's two capital letters, such as HK")
    }
    gateway.numberCheck = settings.choice("SLUICE_NUMBER_CHECK", default: gateway.numberCheck)
    gateway.timeZone = timeZone(settings, default: gateway.timeZone)
    gateway.firstAdmin = firstAdmin(settings)
    gateway.sessionHours = settings.int("SLUICE_SESSION_HOURS", default: gateway.sessionHours, in: 1...8_760)
    gateway.auditDays = settings.int("SLUICE_AUDIT_DAYS", default: gateway.auditDays, in: 1...36_500)
    gateway.readWaitSeconds = settings.int("SLUICE_READ_WAIT_SECONDS", default: gateway.readWaitSeconds, in: 1...8)
    gateway.hasEnquiryNumber = settings.bool("SLUICE_PANEL_ENQUIRY", default: gateway.hasEnquiryNumber)
    gateway.addresses = ClientAddress(trusted: trustedProxies(settings))
    try settings.check()
    return gateway
  }

  private static func corsOrigins(_ settings: Settings) -> Set<String> {
    let origins = (settings.string("SLUICE_CORS_ORIGINS") ?? "").split(separator: ",")
      .map { $0.trimmingPrefix(while: \.isWhitespace) }.map { String($0.prefix { !$0.isWhitespace }) }
    if !origins.allSatisfy(CrossOrigin.isOrigin) {
      settings.note("SLUICE_CORS_ORIGINS", "must be origins such as https://app.example.org, separated by commas, or *")
    }
    return Set(origins)
  }

  private static func publicURL(_ settings: Settings) -> String? {
    guard let text = settings.string("SLUICE_PUBLIC_URL") else { return nil }
    let url = text.hasSuffix("/") ? String(text.dropLast()) : text
    if url == "*" || !CrossOrigin.isOrigin(url) {
      settings.note("SLUICE_PUBLIC_URL", "must be a scheme and a host, such as https://sms.example.org")
    }
    return url
  }

  private static func timeZone(_ settings: Settings, default fallback: TimeZone) -> TimeZone {
    guard let name = settings.string("SLUICE_TIME_ZONE") else { return fallback }
    guard let zone = TimeZone(identifier: name) else {
      settings.note("SLUICE_TIME_ZONE", "must be a time zone's name, such as Asia/Hong_Kong")
      return fallback
    }
    return zone
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
    // One of before names were prepared may be stored as it stands here.
    return FirstAdmin(username: PreparedUsername.stored(username) ?? username, password: password, token: token)
  }
}
