import Contracts
import TestSupport
import Testing

/// What lies in the dead letters goes again by command, through the same limit of 10 a second.
@Suite("Replays", .serialized, .stack(.hkt(rate: 10, extra: ["timeout_ms: 1500", "retry: { base_s: 0.5 }"])))
struct ReplayTests {
  @Test("unconfirmed SMS that five commands ask to be sent again go once more, and their message is completed")
  func replay() async throws {
    let stack = try SharedStack.current
    let numbers = Story.freshNumbers(12)
    try await stack.mock.behave("hkt", ["faults": [["percent": 100, "kind": "timeout", "times": 4]]])
    let id = try await stack.sendBulk(to: numbers)
    let partial = try await stack.finalMessage(id, within: .seconds(30))
    #expect(partial.job_status.string == "partial")
    try await stack.mock.behave("hkt")
    let doubtful = Set(try await stack.recipients(id).filter { $0.status == "unconfirmed" }.map(\.phone))
    try #require(doubtful.count == 4)
    let message = try #require(MessageID(id))
    let letters = numbers.enumerated().map { index, phone in
      UnitsDead.Entry(
        unit: UnitID(messageID: message, index: index), dispatch: 0, state: .unconfirmed, errorType: "unconfirmed",
        errorMessage: nil, userID: .timeOrdered(), messageClass: .normal, phone: phone, content: "Hello", segments: 1,
        encoding: "gsm7", pinnedProvider: nil, reference: nil, attemptsUsed: 1, maxAttempts: 5, attempts: [],
        acceptedAt: .now(), diedAt: .now())
    }
    for _ in 0..<5 { try await stack.publish(UnitReplay(replayID: .timeOrdered(), units: letters)) }
    try await eventually(within: .seconds(20), "the message is completed") {
      try await stack.message(id).job_status.string == "completed"
    }
    let all = Set(numbers)
    let arrivals = try await stack.mock.arrivals().map { "+\($0.number)" }.filter(all.contains)
    for number in numbers {
      #expect(arrivals.count { $0 == number } == (doubtful.contains(number) ? 2 : 1), "sent again once, or not at all")
    }
  }
}
