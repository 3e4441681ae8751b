import Foundation

/// The mock provider's own routes: what arrived, and how it shall behave.
public struct MockClient: Sendable {
  /// One request that reached a provider.
  public struct Arrival: Decodable, Sendable, Equatable {
    public var n: Int
    public var provider: String
    /// CLOCK_MONOTONIC of this machine.
    public var monotonicNs: Int64
    public var number: String
    public var text: String
    /// `accepted`, `refused`, `invalid`, `incomplete` or the kind of a fault.
    public var outcome: String
    public var status: Int?
    public var violation: Bool

    /// Whether the provider did not take the message: another try is no duplicate.
    public var wasRefused: Bool {
      ["refused", "invalid", "status", "error", "reply", "retry_after", "close_before_read"].contains(outcome)
    }
  }

  public let http: JSONClient

  public init(base: String) { http = JSONClient(base: base) }

  /// Counts by provider: `arrivals`, `accepted`, `violations`, `max_in_window`, `duplicates`, `repeats`, ….
  public func statistics() async throws -> JSONValue { try await http.get("/stats").json }

  /// One provider's counts.
  public func statistics(of provider: String) async throws -> JSONValue { try await statistics()[provider] }

  /// All arrivals of a provider, in order.
  public func arrivals(of provider: String = "hkt") async throws -> [Arrival] {
    let answer = try await http.get("/arrivals?provider=\(provider)&limit=100000")
    guard answer.status == 200 else { throw StackError("the mock listed no arrivals: \(answer.text)") }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode([Arrival].self, from: Data(answer.body))
  }

  /// Sets a provider's behaviour; what is not given is as at the start.
  public func behave(_ provider: String, _ behaviour: [String: JSONValue] = [:]) async throws {
    let answer = try await http.post(
      "/behaviour", .object(behaviour.merging(["provider": .string(provider)]) { _, last in last }))
    guard answer.status == 200 else { throw StackError("the mock refused a behaviour: \(answer.text)") }
  }

  /// Forgets all arrivals and faults.
  public func reset() async throws { _ = try await http.post("/reset") }
}
