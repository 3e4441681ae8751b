import TestSupport
import Testing

/// Dead letters seen from outside, on one stack. `maker` is quick, tries once and is never called unhealthy, so that its
/// faults make letters; `again` is where they go to later, at its own rate.
@Suite("Dead letters", .serialized, .stack(.makingLetters))
struct DeadLetterTests {
  static let maker = ProviderUnderTest(name: "maker", count: 1000)
  static let again = ProviderUnderTest(name: "again", count: 25)

  /// What `maker` does to all SMS, or to those whose numbers end in one of these digits.
  enum Trouble {
    /// A definite no, after which the SMS is dead.
    case refuses
    /// Takes the SMS and hangs up: nobody knows.
    case hangsUp

    var fault: [String: JSONValue] {
      switch self {
      case .refuses: ["kind": "status", "status": 500]
      case .hangsUp: ["kind": "read_and_close"]
      }
    }
  }

  static func trouble(_ trouble: Trouble?, endingIn digits: ClosedRange<Int>? = nil, on stack: Stack) async throws {
    let triggers: [[String: JSONValue]] = digits?.map { ["suffix": .string("\($0)")] } ?? [["percent": 100]]
    let faults = trouble.map { trouble in triggers.map { JSONValue.object($0.merging(trouble.fault) { $1 }) } } ?? []
    try await stack.mock.behave(maker.name, ["faults": .array(faults)])
  }

  /// A message all of whose SMS are in letters, and a `maker` that is well again.
  static func buried(_ count: Int, of user: StackUser, _ trouble: Trouble, in story: Story) async throws -> Story.Sent {
    try await self.trouble(trouble, on: story.stack)
    let sent = try await story.sendBulk(count, as: user, options: ["provider": "maker"])
    try await story.stack.pendingLetters(count, .message(sent))
    try await self.trouble(nil, on: story.stack)
    return sent
  }
}

extension StackOptions {
  fileprivate static let makingLetters: StackOptions = StackOptions(
    providers: StackOptions.jsonProviders(
      [DeadLetterTests.maker.name], rate: DeadLetterTests.maker.count, globalRate: 2000,
      extra: ["retry: { max_attempts: 1 }", "health: { failure_rate: 1, min_samples: 100000 }"])
        + """
          - name: \(DeadLetterTests.again.name)
            adapter: json
            url: "${SLUICE_MOCK_URL}/api/sms/\(DeadLetterTests.again.name)"
            rate: \(DeadLetterTests.again.count)

        """)
}

extension Ending {
  /// The numbers that a provider took, each as often as it did.
  func taken(by provider: ProviderUnderTest) -> [String] {
    arrivals.filter { $0.provider == provider.name && !$0.wasRefused }.map { "+\($0.number)" }
  }
}
