/// What a test wants to be different from a stack as `up` starts it.
public struct StackOptions: Sendable {
  /// The text of the providers file; `nil` is `hkt` alone, 2 SMS a second. It may refer to `${SLUICE_MOCK_URL}`.
  public var providers: String?
  /// Settings for all services (`SLUICE_…`).
  public var environment: [String: String]

  public init(providers: String? = nil, environment: [String: String] = [:]) {
    self.providers = providers
    self.environment = environment
  }

  /// One provider with HKT's interface and more settings, `timeout_ms: 2000`, each on a line of its own.
  public static func hkt(rate: Int = 2, extra: [String] = []) -> StackOptions {
    let lines = [
      "  - name: hkt", "adapter: hkt", "url: \"${SMS_BASE_URL}\"", "application: test",
      "sender_number: \"85200000000\"",
      "rate: \(rate)",
    ]
    return StackOptions(providers: "providers:\n" + (lines + extra).joined(separator: "\n    ") + "\n")
  }

  /// `provider1` to `provider3`, 50 SMS a second each and 200 together.
  public static let threeProviders = StackOptions(providers: jsonProviders(["provider1", "provider2", "provider3"]))

  /// A providers file with JSON providers of the mock, all alike.
  public static func jsonProviders(
    _ names: [String], rate: Int = 50, globalRate: Int = 200, extra: [String] = []
  ) -> String {
    let entries = names.map { name in
      (["  - name: \(name)", "adapter: json", "url: \"${SLUICE_MOCK_URL}/api/sms/\(name)\"", "rate: \(rate)"] + extra)
        .joined(separator: "\n    ")
    }
    return "global: { rate: \(globalRate) }\nproviders:\n" + entries.joined(separator: "\n") + "\n"
  }
}
