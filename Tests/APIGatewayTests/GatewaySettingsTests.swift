import ServiceKit
import Testing

@testable import APIGateway

@Suite("Gateway settings")
struct GatewaySettingsTests {
  private func load(_ environment: [String: String]) throws -> GatewaySettings {
    try GatewaySettings.load(Settings(environment: environment, secretsDirectory: "/nonexistent"))
  }

  private func problems(_ environment: [String: String]) -> [String] {
    do {
      _ = try load(environment)
      return []
    } catch {
      return (error as? ConfigurationError)?.problems.map(\.key) ?? ["\(error)"]
    }
  }

  @Test("Without any the contract's limits hold")
  func defaults() throws {
    let settings = try load([:])
    #expect(settings.bodyLimit == 2 * 1024 * 1024)
    #expect(settings.limits.recipients == 10_000)
    #expect(settings.limits.characters == 1_600)
    #expect(settings.limits.segments == 10)
    #expect(settings.defaultRegion == "HK")
    #expect(settings.numberCheck == .possible)
    #expect(settings.firstAdmin.username == "admin")
    #expect(settings.firstAdmin.password == nil)
    #expect(settings.sessionHours == 12)
    #expect(settings.addresses.trusted.isEmpty)
    #expect(settings.idempotencyDays == 400)
    #expect(settings.timeZone.identifier == "Asia/Hong_Kong")
  }

  @Test("Every mistake is named by its key, and no secret is shown")
  func mistakes() {
    #expect(
      problems([
        "SLUICE_HTTP_PORT": "x", "SLUICE_DEFAULT_REGION": "Hongkong", "SLUICE_NUMBER_CHECK": "maybe",
        "SLUICE_MAX_RECIPIENTS": "10001", "SLUICE_IDEMPOTENCY_DAYS": "0",
      ]) == [
        "SLUICE_HTTP_PORT", "SLUICE_MAX_RECIPIENTS", "SLUICE_IDEMPOTENCY_DAYS", "SLUICE_DEFAULT_REGION",
        "SLUICE_NUMBER_CHECK",
      ])
    #expect(
      problems(["SLUICE_SESSION_HOURS": "0", "SLUICE_TRUSTED_PROXIES": "10.0.0.0/33", "SLUICE_TIME_ZONE": "Mars"]) == [
        "SLUICE_TIME_ZONE", "SLUICE_SESSION_HOURS", "SLUICE_TRUSTED_PROXIES",
      ])
    // A key that is forgotten before its message is would be sent again under an id that is shown as sent long ago.
    #expect(problems(["SLUICE_IDEMPOTENCY_DAYS": "399"]) == ["SLUICE_IDEMPOTENCY_DAYS"])
    #expect(problems(["SLUICE_DROP_AFTER_DAYS": "500"]) == ["SLUICE_IDEMPOTENCY_DAYS"])
    #expect(
      problems(["SLUICE_IDEMPOTENCY_DAYS": "30", "SLUICE_DROP_AFTER_DAYS": "30", "SLUICE_REDACT_AFTER_DAYS": "30"])
        == [])
    #expect(problems(["SLUICE_ADMIN_USER": "root", "SLUICE_ADMIN_TOKEN": "short"]) == ["SLUICE_ADMIN_TOKEN"])
  }

  @Test("The first admin may have a password, a token, or both")
  func firstAdmin() throws {
    let both = try load([
      "SLUICE_ADMIN_USER": "root", "SLUICE_ADMIN_PASSWORD": "secret", "SLUICE_ADMIN_TOKEN": "0123456789abcdef",
    ])
    #expect(both.firstAdmin.username == "root")
    #expect(both.firstAdmin.token == "0123456789abcdef")
    #expect(try load(["SLUICE_ADMIN_USER": "root", "SLUICE_ADMIN_PASSWORD": "secret"]).firstAdmin.token == nil)
    #expect(try load(["SLUICE_ADMIN_PASSWORD": "secret"]).firstAdmin.username == "admin")
  }
}
