import Contracts

/// Reads one entry of `providers`.
struct ProviderReader {
  var environment: [String: String]

  func read(_ mapping: YAMLMapping) -> ProviderSettings {
    let name = mapping.requiredString("name")
    if mapping.has("name"), let problem = ProviderName.problem(name) { mapping.note("name", problem) }
    if !mapping.has("adapter") { mapping.note("adapter", "is missing") }
    let adapter = mapping.choice("adapter", default: ProviderAdapterKind.json)
    if !mapping.has("rate") { mapping.note("rate", "is missing") }
    var provider = ProviderSettings(
      name: name, adapter: adapter, url: url(mapping, adapter),
      limit: ProviderRate(
        count: mapping.int("rate", default: 1, in: 1...100_000),
        window: seconds(mapping, "window_s", default: 1, from: 0.1, to: 86_400)))
    provider.weight = mapping.double("weight", default: 1, "a number above 0") { $0 > 0 }
    provider.meterUnit = mapping.choice("meter_unit", default: .message)
    provider.pacing = mapping.choice("pacing", among: [.sliding, .strict], default: .sliding)
    provider.connectTimeout = .milliseconds(mapping.int("connect_timeout_ms", default: 3_000, in: 1...600_000))
    provider.timeout = .milliseconds(mapping.int("timeout_ms", default: 30_000, in: 1...600_000))
    provider.claimLimit = .milliseconds(mapping.int("claim_limit_ms", default: 1_100, in: 100...10_000))
    provider.numberFormat = mapping.choice("number_format", default: .digits)
    provider.onUnknown = unknownPolicies(mapping.mapping("on_unknown"))
    provider.onRejected = mapping.choice("on_rejected", default: .fail)
    provider.health = health(mapping.mapping("health"))
    provider.retry = retry(mapping.mapping("retry"))
    provider.replies = mapping.mappings("replies").compactMap { ReplyRule($0) }
    provider.proxy = proxy(mapping)
    switch adapter {
    case .hkt:
      provider.isStrict = mapping.bool("hkt_strict", default: false)
      provider.application = credential(mapping, "application", "SMS_APPLICATION_ID")
      provider.senderNumber = credential(mapping, "sender_number", "SMS_SENDER_NUMBER")
    case .json:
      for key in ["application", "sender_number", "hkt_strict"] where mapping.has(key) {
        _ = mapping.string(key)
        mapping.note(key, "is only for the adapter hkt")
      }
    }
    mapping.finish()
    return provider
  }

  private func url(_ mapping: YAMLMapping, _ adapter: ProviderAdapterKind) -> String {
    let isGiven = mapping.has("url")
    let text =
      mapping.string("url") ?? (isGiven ? nil : adapter == .hkt ? variable("SMS_BASE_URL", for: "url", mapping) : nil)
    guard let text else {
      if !isGiven { mapping.note("url", adapter == .hkt ? "is missing, and SMS_BASE_URL is not set" : "is missing") }
      return ""
    }
    if let problem = ProviderURL.problem(text) { mapping.note("url", problem) }
    return text
  }

  private func proxy(_ mapping: YAMLMapping) -> String? {
    guard let text = mapping.string("proxy") else { return nil }
    if let problem = ProviderURL.proxyProblem(text) { mapping.note("proxy", problem) }
    return text
  }

  private func credential(_ mapping: YAMLMapping, _ key: String, _ name: String) -> String? {
    if mapping.has(key) { return mapping.string(key) }
    guard let value = variable(name, for: key, mapping) else {
      mapping.note(key, "is missing, and \(name) is not set")
      return nil
    }
    return value
  }

  /// A variable that stands for a key which is missing; `nil` when it is not set.
  private func variable(_ name: String, for key: String, _ mapping: YAMLMapping) -> String? {
    guard let value = environment[name], !value.isEmpty else { return nil }
    if let problem = ValueReference.problem(in: value) { mapping.note(key, "the variable \(name) \(problem)") }
    return value
  }

  private func unknownPolicies(_ mapping: YAMLMapping) -> [MessageClass: UnknownPolicy] {
    var policies: [MessageClass: UnknownPolicy] = [:]
    for messageClass in MessageClass.allCases {
      policies[messageClass] = mapping.choice(
        messageClass.rawValue, default: messageClass == .urgent ? UnknownPolicy.resend : .hold)
    }
    mapping.finish()
    return policies
  }

  private func health(_ mapping: YAMLMapping) -> HealthPolicy {
    defer { mapping.finish() }
    return HealthPolicy(
      window: seconds(mapping, "window_s", default: 300, from: 1, to: 86_400),
      failureRate: mapping.double("failure_rate", default: 0.7, "a number above 0, at most 1") { $0 > 0 && $0 <= 1 },
      minSamples: mapping.int("min_samples", default: 10, in: 1...100_000),
      cooldown: seconds(mapping, "cooldown_s", default: 300, from: 0.1, to: 86_400))
  }

  private func retry(_ mapping: YAMLMapping) -> RetryPolicy {
    defer { mapping.finish() }
    return RetryPolicy(
      maxAttempts: mapping.int("max_attempts", default: 5, in: 1...100),
      base: seconds(mapping, "base_s", default: 2, from: 0, to: 86_400),
      cap: seconds(mapping, "cap_s", default: 300, from: 0, to: 86_400))
  }

  private func seconds(
    _ mapping: YAMLMapping, _ key: String, default standard: Double, from low: Double, to high: Double
  ) -> Duration {
    .seconds(
      mapping.double(key, default: standard, "a number of seconds from \(low) to \(high)") { $0 >= low && $0 <= high })
  }
}
