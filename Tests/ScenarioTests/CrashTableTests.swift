import Contracts
import ServiceKit
import TestSupport
import Testing

/// Every place at which a process may die, died at: under load, one after another on one stack.
@Suite(
  "kill -9 at every failpoint", .serialized,
  .stack(StackOptions(providers: StackOptions.jsonProviders(["p"], rate: 20, extra: ["on_unknown: { urgent: hold }"]))))
struct CrashTableTests {
  private let provider = ProviderUnderTest(name: "p", count: 20)

  @Test(
    "nothing lost, nothing twice, nothing stuck",
    arguments: Failpoint.allCases)
  func dies(at failpoint: Failpoint) async throws {
    let stack = try SharedStack.current
    let users = try await CrashUsers.of(stack)
    for _ in 0..<Length.choose(2, long: 20) { try await round(failpoint, stack, users) }
  }

  private func round(_ failpoint: Failpoint, _ stack: Stack, _ users: [StackUser]) async throws {
    let story = try await Story.begin(on: stack)
    try await story.sendBulk(14, as: users[0], class: .bulk)
    let second = try await story.sendBulk(8, as: users[1])
    // What nobody knows becomes a letter: one that is taken and whose connection is closed without an answer.
    let doubtful = second.numbers[7]
    let faults: [JSONValue] =
      failpoint.process == .deadLetter
      ? [["suffix": .string(String(doubtful.dropFirst())), "kind": "read_and_close"]] : []
    try await stack.mock.behave("p", ["latency_ms": 30, "faults": .array(faults)])
    try stack.arm(failpoint.rawValue)
    async let singles: Void = sendSingles(story, users)
    if failpoint == .commandCommitted {
      try await stack.publish(MessageCancel(target: .message(second.id)))
    }
    if failpoint.isOfLetterRequest {
      try await stack.pendingLetters(1, .message(second))
      try await stack.publish(
        DeadLetterSettle(
          selection: .init(messageID: second.id), verdict: .sent, actor: LetterActor(userID: nil, name: "nobody")))
    }
    do {
      try await stack.waitUntilDead(failpoint.process, within: .seconds(10))
    } catch {
      stack.disarm(failpoint.rawValue)
      Issue.record("\(failpoint.rawValue) was not reached")
    }
    await singles
    try await stack.up()
    if failpoint.isOfLetterRequest {
      try await eventually(within: .seconds(20), "what was asked for is done") {
        try await story.states(of: [doubtful]) == [doubtful: "sent"]
      }
    }
    _ = try await story.end(at: [provider], within: .seconds(60), unconfirmed: failpoint.mayLeaveUnconfirmed)
  }

  /// 18 requests of several users and classes; where the gateway is killed some get no answer.
  private func sendSingles(_ story: Story, _ users: [StackUser]) async {
    await withTaskGroup { group in
      for index in 0..<18 {
        group.addTask {
          await story.sendInDoubt(as: users[2 + index % 2], class: index.isMultiple(of: 3) ? .urgent : .normal)
        }
      }
    }
  }
}

/// The users of the crash stories, made once for each stack.
private actor CrashUsers {
  private static let shared = CrashUsers()
  private var users: [String: [StackUser]] = [:]

  static func of(_ stack: Stack) async throws -> [StackUser] { try await shared.users(of: stack) }

  private func users(of stack: Stack) async throws -> [StackUser] {
    if let users = users[stack.home.path] { return users }
    let made = try await stack.makeUsers(["bulk", "letters", "calls", "codes"])
    users[stack.home.path] = made
    return made
  }
}

extension Failpoint {
  /// Whose it is.
  fileprivate var process: StackProcess {
    switch self {
    case .gatewayPublishing, .gatewayConfirmed: .gateway
    case .intakeUncommitted, .intakeCommitted, .dispatchCommitted, .commandPublished, .outcomesCommitted,
      .commandCommitted, .outboxPublished:
      .scheduler
    case .claiming, .claimed, .answered, .endingWritten, .outcomeReported: .sender
    case .projectionUncommitted, .projectionCommitted: .projector
    case .letterCommitted, .letterRequestCommitted, .letterOrderPublished: .deadLetter
    }
  }

  /// Reached when somebody wants something done with letters.
  fileprivate var isOfLetterRequest: Bool { [.letterRequestCommitted, .letterOrderPublished].contains(self) }

  /// What may have been in flight where a sender is killed: `SendCredit` allows 20 a second × (usual latency + 250 ms),
  /// and the sender sees the provider's 30 ms as up to 100 ms, since nineteen restarts keep this machine busy.
  fileprivate var mayLeaveUnconfirmed: Int {
    switch process {
    case .sender: 7
    case .deadLetter: isOfLetterRequest ? 0 : 1
    default: 0
    }
  }
}
