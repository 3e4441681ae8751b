import Contracts
import Foundation
import TestSupport
import Testing

/// What can be asked of a message, a user and all sending, counted at a provider of 10 a second.
@Suite("Cancel, pause, expiry, schedule, again", .serialized, .stack(.hkt(rate: 10, extra: ["retry: { base_s: 0.2 }"])))
struct OptionsTests {
  private let hkt = ProviderUnderTest(name: "hkt", count: 10)

  /// The four counts of an answer, which make the total.
  private func tally(_ answer: JSONClient.Answer, total: Int) throws -> (sent: Int, inFlight: Int, cancelled: Int) {
    try #require(answer.status == 200, "\(answer.text)")
    let data = answer.json.data
    let counts = try ["sent", "in_flight", "cancelled", "other"].map { try #require(data[$0].int) }
    #expect(counts.reduce(0, +) == total, "\(counts)")
    return (counts[0], counts[1], counts[2])
  }

  private func arrivals(_ stack: Stack, among numbers: [String]) async throws -> Int {
    let mine = Set(numbers)
    return try await stack.mock.arrivals().count { mine.contains("+\($0.number)") }
  }

  @Test("a cancel half-way answers exactly, and after it at most what was in flight goes out")
  func cancel() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let accepted = try await story.sendBulk(60)
    let id = accepted.id.description
    try await story.arrived(20)
    let answer = try await stack.gateway.post("/api/sms/\(id)/cancel")
    let (sent, inFlight, cancelled) = try tally(answer, total: 60)
    #expect(cancelled >= 20)
    let ending = try await story.end(at: [hkt], within: .seconds(20))
    #expect(ending.arrivals.count >= sent && ending.arrivals.count <= sent + inFlight)
    #expect(ending.count(of: "cancelled") >= cancelled)
    #expect(ending.count(of: "sent") + ending.count(of: "cancelled") == 60)
    let again = try await stack.gateway.delete("/api/sms/\(id)")
    #expect(again.status == 409, "\(again.text)")
    let message = try await stack.message(id)
    #expect(message.job_status.string == "partial")
  }

  @Test("a paused message waits and lets others pass, and goes on where it was")
  func pause() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let accepted = try await story.sendBulk(30)
    let id = accepted.id.description
    let numbers = accepted.numbers
    try await story.arrived(8)
    let answer = try await stack.gateway.post("/api/sms/\(id)/pause")
    let (sent, inFlight, _) = try tally(answer, total: 30)
    let sentOthers = try await story.sendBulk(20)
    let others = sentOthers.numbers
    try await eventually(within: .seconds(20), "the others have gone") {
      try await arrivals(stack, among: others) == 20
    }
    #expect(try await arrivals(stack, among: numbers) <= sent + inFlight)
    #expect(try await stack.message(id).waiting_for.string == "message_paused")
    let resumed = try await stack.gateway.post("/api/sms/\(id)/resume")
    _ = try tally(resumed, total: 30)
    let ending = try await story.end(at: [hkt], within: .seconds(20))
    #expect(ending.count(of: "sent") == 50)
  }

  @Test("what has not gone by its expiry is expired, takes no slot, and can be sent again")
  func expiry() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let accepted = try await story.sendBulk(60, options: ["validity_seconds": 3])
    let id = accepted.id.description
    let numbers = accepted.numbers
    let sentOthers = try await story.sendBulk(10)
    let others = sentOthers.numbers
    let ending = try await story.end(at: [hkt], within: .seconds(20))
    let mine = Set(numbers)
    let expired = ending.states.filter { mine.contains($0.key) && $0.value == "expired" }.count
    let sent = ending.states.filter { mine.contains($0.key) && $0.value == "sent" }.count
    #expect(expired + sent == 60 && expired >= 25 && sent >= 10)
    #expect(others.allSatisfy { ending.states[$0] == "sent" })
    #expect(ending.longestGap < .seconds(1), "the slots went to others")
    let again = try await stack.gateway.post("/api/sms/\(id)/retry-failed")
    #expect(again.status == 202, "\(again.text)")
    try await eventually(within: .seconds(30), "all sent") {
      try await stack.message(id).job_status.string == "completed"
    }
    Promises.expectNoDuplicates(try await stack.mock.arrivals())
  }

  @Test("a scheduled message goes at its time, not before")
  func schedule() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let start = Timestamp.now() + .seconds(3)
    let accepted = try await story.sendBulk(5, options: ["send_at": .string(start.description)])
    let id = accepted.id.description
    let numbers = accepted.numbers
    #expect(try await stack.message(id).waiting_for.string == "schedule")
    let sentOthers = try await story.sendBulk(10)
    let others = sentOthers.numbers
    try await story.arrived(10)
    #expect(try await arrivals(stack, among: numbers) == 0)
    let ending = try await story.end(at: [hkt], within: .seconds(20))
    #expect(ending.count(of: "sent") == 15)
    #expect(ending.arrivals.prefix(10).allSatisfy { others.contains("+\($0.number)") })
    #expect(Timestamp.now() > start)
  }

  @Test("failed recipients go again on request, and only they")
  func retryFailed() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let id = try await story.sendBulk(6).id.description
    _ = try await story.end(at: [hkt], within: .seconds(20))
    let none = try await stack.gateway.post("/api/sms/\(id)/retry-failed")
    #expect(none.status == 409, "\(none.text)")
    let bad = try await Story.begin(on: stack)
    try await stack.mock.behave("hkt", ["faults": [["percent": 100, "kind": "status", "status": 400, "times": 3]]])
    let accepted = try await bad.sendBulk(6)
    let second = accepted.id.description
    let ending = try await bad.end(at: [hkt], within: .seconds(20))
    #expect(ending.count(of: "failed") == 3)
    try await stack.mock.behave("hkt")
    let again = try await stack.gateway.post("/api/sms/\(second)/retry-failed")
    #expect(again.status == 202, "\(again.text)")
    try await eventually(within: .seconds(20), "all sent") {
      try await stack.message(second).success_count.int == 6
    }
    #expect(try await stack.mock.arrivals().count == 9)
  }

  @Test("the switch for all sending stops it, whoever leads, until it is turned on")
  func stop() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    try await story.sendBulk(40)
    try await story.arrived(10)
    let stopped = try await stack.gateway.post("/api/admin/sending/stop")
    #expect(stopped.status == 200, "\(stopped.text)")
    try await stack.kill(.scheduler)
    try await stack.up()
    try await story.sendBulk(5)
    try await story.pass(.seconds(2))
    let before = try await stack.mock.arrivals().count
    #expect(before <= 10 + 10, "what was outstanding")
    try await story.pass(.seconds(1))
    #expect(try await stack.mock.arrivals().count == before)
    let health = try await stack.gateway.get("/api/health")
    #expect(health.text.contains("stopped"), "\(health.text)")
    let going = try await stack.gateway.post("/api/admin/sending/go")
    #expect(going.status == 200, "\(going.text)")
    let ending = try await story.end(at: [hkt], within: .seconds(30))
    #expect(ending.count(of: "sent") == 45)
  }

  @Test("one user's traffic is paused, resumed and cancelled as a whole, and nobody else's")
  func user() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let users = try await stack.makeUsers([
      "held\(Int.random(in: 0..<1_000_000))", "free\(Int.random(in: 0..<1_000_000))",
    ])
    let held = try await story.sendBulk(40, as: users[0]).numbers
    try await story.arrived(5)
    let path = "/api/admin/users/\(users[0].id)"
    let paused = try await stack.gateway.post(path + "/pause")
    #expect(paused.status == 200, "\(paused.text)")
    let question: JSONValue = [
      "recipient": "91234567", "content": "Hi", "validity_seconds": 600, "reject_if_late": true,
    ]
    try await eventually(within: .seconds(10), "what would not go is late") {
      try await users[0].gateway.post("/api/sms/estimate", question).status == 409
    }
    #expect(try await users[1].gateway.post("/api/sms/estimate", question).status == 200)
    let later = try await story.sendBulk(10, as: users[0]).numbers
    let free = try await story.sendBulk(10, as: users[1]).numbers
    try await eventually(within: .seconds(20), "the other user's have gone") {
      try await arrivals(stack, among: free) == 10
    }
    #expect(try await arrivals(stack, among: later) == 0)
    #expect(try await arrivals(stack, among: held) <= 15)
    let resumed = try await stack.gateway.post(path + "/resume")
    #expect(resumed.status == 200, "\(resumed.text)")
    try await eventually(within: .seconds(20), "it goes on") { try await arrivals(stack, among: held) >= 20 }
    let cancelled = try await stack.gateway.post(path + "/cancel-all")
    #expect(cancelled.status == 200, "\(cancelled.text)")
    let ending = try await story.end(at: [hkt], within: .seconds(20))
    #expect(ending.count(of: "cancelled") >= 10)
    #expect(free.allSatisfy { ending.states[$0] == "sent" })
  }

  @Test("a rate that an admin changes under load is kept from then on, and after a restart")
  func rate() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    try await story.sendBulk(90)
    try await story.arrived(20)
    let slower = try await stack.gateway.patch("/api/admin/providers/hkt", ["rate": 4])
    #expect(slower.status == 200, "\(slower.text)")
    // What was outstanding still goes; then the new limit holds at the provider.
    try await story.pass(.seconds(1.5))
    let changed = try await stack.mock.arrivals().count
    try await story.arrived(changed + 8)
    try await stack.kill(.scheduler)
    try await stack.up()
    try await story.arrived(changed + 16, within: .seconds(20))
    let slow = try await Array(stack.mock.arrivals().dropFirst(changed))
    Promises.expectLimit(slow, count: 4)
    let back = try await stack.gateway.patch("/api/admin/providers/hkt", ["rate": .null])
    #expect(back.status == 200, "\(back.text)")
    let ending = try await story.end(at: [hkt], within: .seconds(30))
    #expect(ending.count(of: "sent") == 90)
  }
}
