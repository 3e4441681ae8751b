import Contracts
import Foundation
import NIOConcurrencyHelpers
import Postgres
import TestSupport
import Testing

/// One story on a shared stack: SMS to numbers of its own, a fault meanwhile, and in the end the promises.
struct Story: Sendable {
  let stack: Stack
  private let text = "Story \(UUID().uuidString.prefix(8))"
  private let counts: NIOLockedValueBox<Numbers>

  private struct Numbers {
    var accepted: [String] = []
    /// Of requests that got no 202: each may arrive once, or not.
    var doubtful: [String] = []
  }

  private static let next = NIOLockedValueBox(100_000)

  /// Begins when everything runs and nothing is under way; what arrived before is forgotten.
  static func begin(on stack: Stack) async throws -> Story {
    for service in StackProcess.allCases { try? stack.thaw(service) }  // what does not run is started next
    try await stack.up()
    try await stack.mock.reset()
    return Story(stack: stack, counts: NIOLockedValueBox(Numbers()))
  }

  /// Numbers that nobody else uses.
  static func freshNumbers(_ count: Int) -> [String] {
    let first = next.withLockedValue { next in
      defer { next += count }
      return next
    }
    return numbers(count, from: first)
  }

  /// Everything that was accepted.
  var accepted: [String] { counts.withLockedValue { $0.accepted } }

  /// A request that was accepted.
  struct Sent: Sendable {
    var id: MessageID
    var numbers: [String]
    /// The body of the 202.
    var answer: JSONValue
  }

  /// Sends to many in one request.
  /// - Parameter options: Further fields of the request.
  @discardableResult
  func sendBulk(
    _ count: Int, as user: StackUser? = nil, class messageClass: MessageClass? = nil,
    options: [String: JSONValue] = [:]
  ) async throws -> Sent {
    let numbers = Self.freshNumbers(count)
    var body = options
    body["recipients"] = .array(numbers.map { .string($0) })
    let answer = try await post("/api/sms/send-bulk", body, user, messageClass)
    try #require(answer.status == 202, "\(answer.text)")
    counts.withLockedValue { $0.accepted += numbers }
    let id = try #require(answer.json.message_id.string.flatMap { UUID(uuidString: $0) })
    return Sent(id: MessageID(id), numbers: numbers, answer: answer.json)
  }

  /// Sends to one.
  /// - Returns: The number.
  @discardableResult
  func send(as user: StackUser? = nil, class messageClass: MessageClass? = nil) async throws -> String {
    let number = Self.freshNumbers(1)[0]
    let answer = try await post("/api/sms", ["recipient": .string(number)], user, messageClass)
    try #require(answer.status == 202, "\(answer.text)")
    counts.withLockedValue { $0.accepted.append(number) }
    return number
  }

  /// Sends to one while the gateway may die: without a 202 nothing is promised but that it arrives at most once.
  func sendInDoubt(as user: StackUser? = nil, class messageClass: MessageClass? = nil) async {
    let number = Self.freshNumbers(1)[0]
    let status = try? await post("/api/sms", ["recipient": .string(number)], user, messageClass).status
    counts.withLockedValue { counts in
      if status == 202 { counts.accepted.append(number) } else { counts.doubtful.append(number) }
    }
  }

  private func post(
    _ path: String, _ body: [String: JSONValue], _ user: StackUser?, _ messageClass: MessageClass?
  ) async throws -> JSONClient.Answer {
    var body = body
    body["content"] = .string(text)
    if let messageClass { body["class"] = .string(messageClass.rawValue) }
    return try await (user?.gateway ?? stack.gateway).post(path, .object(body))
  }

  /// Counts numbers in that were accepted in another way.
  func adopt(_ numbers: [String]) { counts.withLockedValue { $0.accepted += numbers } }

  /// Waits until so many requests have reached the providers since the story began.
  func arrived(_ count: Int, within limit: Duration = .seconds(30)) async throws {
    try await eventually(within: limit, "\(count) arrivals") {
      guard case .object(let providers) = try await stack.mock.statistics() else { return false }
      return providers.values.reduce(0) { $0 + ($1.arrivals.int ?? 0) } >= count
    }
  }

  /// The length of an outage, which is what a story is about and no waiting for a state.
  func pass(_ duration: Duration) async throws { try await Task.sleep(for: duration) }

  /// Waits until everything is final, and checks the promises.
  /// - Parameter unconfirmed: At most so many may be: what was in flight when a sender died.
  func end(
    at providers: [ProviderUnderTest], within limit: Duration, unconfirmed: Int = 0,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> Ending {
    let (accepted, doubtful) = counts.withLockedValue { ($0.accepted, $0.doubtful) }
    var states: [String: String] = [:]
    do {
      try await eventually(within: limit, "all of the story final") {
        states = try await self.states(of: accepted + doubtful)
        return accepted.allSatisfy { states[$0].map(Ending.isFinal) ?? false }
          && doubtful.allSatisfy { states[$0].map(Ending.isFinal) ?? true }
      }
    } catch let error as NeverTrue {
      let open = accepted.filter { !(states[$0].map(Ending.isFinal) ?? false) }
      Issue.record("\(error): \(open.count) of \(accepted.count) are not final", sourceLocation: sourceLocation)
    }
    var arrivals: [MockClient.Arrival] = []
    for provider in providers {
      let some = try await stack.mock.arrivals(of: provider.name)
      Promises.expectLimit(some, count: provider.count, window: provider.window, sourceLocation: sourceLocation)
      arrivals += some
    }
    let mine = Set(accepted + doubtful)
    let ending = Ending(
      accepted: accepted, states: states,
      arrivals: arrivals.filter { mine.contains("+\($0.number)") }.sorted { $0.monotonicNs < $1.monotonicNs })
    ending.expectPromises(unconfirmed: unconfirmed, sourceLocation: sourceLocation)
    try await expectNothingStuck(sourceLocation)
    return ending
  }

  /// What the read side says, by number.
  func states(of numbers: [String]) async throws -> [String: String] {
    let rows = try await stack.query("SELECT phone, state FROM projection.recipients WHERE phone = ANY (\(numbers))")
    return Dictionary(
      try rows.map { (try $0.decode("phone", as: String.self), try $0.decode("state", as: String.self)) },
      uniquingKeysWith: { $1 })
  }

  /// Nothing claimed without an ending, unreported, unpublished or different between the scheduler and the read side, and
  /// nothing in the ledger.
  private func expectNothingStuck(_ sourceLocation: SourceLocation) async throws {
    var left = ""
    do {
      try await eventually(within: .seconds(30), "nothing stuck") {
        let rows = try await stack.query(
          """
          SELECT (SELECT count(*) FROM sender.ledger WHERE state = 'claimed') AS claimed,
                 (SELECT count(*) FROM sender.ledger WHERE state <> 'claimed' AND reported_at IS NULL) AS unreported,
                 (SELECT count(*) FROM scheduler.outbox) AS unpublished,
                 (SELECT count(*) FROM scheduler.units u
                  JOIN projection.recipients r USING (message_id, unit_index) WHERE r.state <> u.state) AS different,
                 (SELECT count(*) FROM projection.ledger_read) AS unbalanced
          """)
        guard let row = rows.first else { return false }
        let counts = try ["claimed", "unreported", "unpublished", "different", "unbalanced"].map { name in
          (name, try row.decode(name, as: Int.self))
        }
        left = "\(counts)"
        return counts.allSatisfy { $0.1 == 0 }
      }
    } catch let error as NeverTrue {
      Issue.record("\(error): \(left)", sourceLocation: sourceLocation)
    }
  }
}
