import Configuration
import Foundation
import NIOConcurrencyHelpers

/// Typed reads of the environment and of `/run/secrets`, in which every mistake is kept until `check()`.
///
/// Keys are the names an operator sets: `SLUICE_AMQP_URL` is the variable, else the file `SLUICE_AMQP_URL` or
/// `sluice_amqp_url` of the secrets directory. An empty value is as good as none. A read that fails answers a stand-in,
/// so call `check()` before the values are used.
public struct Settings: Sendable {
  private let reader: ConfigReader
  private let problems = NIOLockedValueBox<[ConfigurationError.Problem]>([])
  /// All variables, for references in files.
  public let environment: [String: String]

  public init(
    environment: [String: String] = ProcessInfo.processInfo.environment, secretsDirectory: String = "/run/secrets"
  ) {
    self.environment = environment
    let secrets = SecretFiles.read(secretsDirectory).map { name, value in
      (AbsoluteConfigKey(Self.components(name)), ConfigValue(.string(value), isSecret: true))
    }
    reader = ConfigReader(providers: [
      EnvironmentVariablesProvider(environmentVariables: environment.filter { !$0.value.isEmpty }),
      InMemoryProvider(name: "secrets", values: Dictionary(secrets) { first, _ in first }),
    ])
  }

  /// - Throws: `ConfigurationError` with everything that went wrong in the reads so far.
  public func check() throws {
    let problems = problems.withLockedValue { $0 }
    if !problems.isEmpty { throw ConfigurationError(problems) }
  }

  /// Adds a mistake that the caller found.
  public func note(_ key: String, _ message: String) {
    problems.withLockedValue { $0.append(.init(key: key, message: message)) }
  }

  /// The value, or `nil` when it is not set. Never logged.
  public func secret(_ key: String) -> String? {
    let value = reader.string(forKey: ConfigKey(Self.components(key)), isSecret: true)
    return value?.isEmpty == true ? nil : value
  }

  public func string(_ key: String) -> String? { secret(key) }

  public func string(_ key: String, default standard: String) -> String { secret(key) ?? standard }

  /// The value, or `""` and a mistake when it is not set.
  public func requiredString(_ key: String) -> String {
    if let value = secret(key) { return value }
    note(key, "is not set")
    return ""
  }

  /// A whole number of a range.
  public func int(_ key: String, default standard: Int, in range: ClosedRange<Int> = 0...Int.max) -> Int {
    parsed(key, as: range.text) { Int($0).flatMap { range.contains($0) ? $0 : nil } } ?? standard
  }

  /// `SLUICE_REDACT_AFTER_DAYS`: days after which text, numbers and answers of what is over are taken out, in every
  /// service that keeps them.
  public var redactAfterDays: Int { int("SLUICE_REDACT_AFTER_DAYS", default: 90, in: 1...36_500) }

  /// `SLUICE_DROP_AFTER_DAYS`: days after which nothing is left of what is over. Longer than the log reaches back: that would
  /// bring it back.
  public func dropAfterDays(redactAfter: Int) -> Int {
    int("SLUICE_DROP_AFTER_DAYS", default: max(400, redactAfter), in: 8...36_500)
  }

  /// A number of a range.
  public func double(_ key: String, default standard: Double, in range: ClosedRange<Double>) -> Double {
    parsed(key, as: "a number from \(range.lowerBound) to \(range.upperBound)") {
      Double($0).flatMap { range.contains($0) ? $0 : nil }
    } ?? standard
  }

  /// A duration as `DurationText` reads it.
  public func duration(
    _ key: String, default standard: Duration, in range: ClosedRange<Duration> = .zero ... .seconds(86_400 * 3660)
  ) -> Duration {
    parsed(key, as: "a duration from \(range.lowerBound) to \(range.upperBound), such as 250ms, 10s, 5m") {
      DurationText.parse($0).flatMap { range.contains($0) ? $0 : nil }
    } ?? standard
  }

  /// `true`, `yes`, `on`, `1` or `false`, `no`, `off`, `0`.
  public func bool(_ key: String, default standard: Bool) -> Bool {
    parsed(key, as: "true or false") {
      switch $0.lowercased() {
      case "true", "yes", "on", "1": true
      case "false", "no", "off", "0": false
      default: nil
      }
    } ?? standard
  }

  /// One of a few words.
  public func choice<Value: RawRepresentable & CaseIterable>(_ key: String, default standard: Value) -> Value
  where Value.RawValue == String {
    parsed(key, as: "one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))") { Value(rawValue: $0) }
      ?? standard
  }

  /// A required value of any type; an error of `parse` becomes the mistake's text, so it must not name the value.
  public func required<Value>(_ key: String, _ parse: (String) throws -> Value) -> Value? {
    guard let text = secret(key) else {
      note(key, "is not set")
      return nil
    }
    do {
      return try parse(text)
    } catch {
      note(key, "\(error)")
      return nil
    }
  }

  private func parsed<Value>(_ key: String, as kind: String, _ parse: (String) -> Value?) -> Value? {
    guard let text = secret(key) else { return nil }
    guard let value = parse(text) else {
      note(key, "must be \(kind)")
      return nil
    }
    return value
  }

  /// `SLUICE_AMQP_URL` → `sluice.amqp.url`, which the environment provider reads as `SLUICE_AMQP_URL` again.
  private static func components(_ key: String) -> [String] {
    key.lowercased().split(separator: "_").map(String.init)
  }
}

extension ClosedRange<Int> {
  fileprivate var text: String {
    upperBound == .max ? "a whole number from \(lowerBound)" : "a whole number from \(lowerBound) to \(upperBound)"
  }
}
