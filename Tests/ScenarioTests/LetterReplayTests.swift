import Contracts
import Foundation
import TestSupport
import Testing

/// Dead letters worked off over HTTP: an outage leaves a hundred, which go again when it is over.
@Suite(
  "Dead letters over HTTP", .serialized,
  .stack(
    .hkt(
      rate: 10, extra: ["retry: { max_attempts: 1 }", "health: { min_samples: 100000 }"])))
struct LetterReplayTests {
  private let root = "/api/admin/dead-letters"

  /// Sends to so many numbers while the provider refuses everything, and waits for the letters.
  private func outage(_ count: Int, on stack: Stack) async throws -> (id: String, numbers: [String]) {
    let numbers = Story.freshNumbers(count)
    try await stack.mock.behave("hkt", ["faults": [["percent": 100, "kind": "status", "status": 500]]])
    let id = try await stack.sendBulk(to: numbers)
    try await eventually(within: .seconds(60), "\(count) letters") {
      try await stack.gateway.get("\(root)?message_id=\(id)&status=pending&limit=200").json.data.dead_letters.array
        .count
        == count
    }
    try await stack.mock.behave("hkt")
    return (id, numbers)
  }

  @Test("Five equal replays at once send each SMS once more, and are through when they said")
  func replay() async throws {
    let stack = try SharedStack.current
    let (id, numbers) = try await outage(100, on: stack)
    let listed = try await stack.gateway.get("\(root)?message_id=\(id)&limit=1").json.data.dead_letters[0]
    #expect(listed.sms_status.string == "dead" && listed.attempts.array.count == 1, "\(listed)")
    #expect(listed.attempts[0].status_code.int == 500 && listed.retry_count.int == 1)
    let preview = try await stack.gateway.post(
      "\(root)/replay", ["filter": ["message_id": .string(id)], "dry_run": true])
    #expect(preview.json.data["count"].int == 100 && preview.json.data.segments.int == 100, "\(preview.text)")
    let begun = MonotonicTime.nanoseconds
    let body: JSONValue = ["filter": ["message_id": .string(id)], "reason": "the outage is over"]
    let answers = try await withThrowingTaskGroup(of: JSONClient.Answer.self) { group in
      for _ in 0..<5 { group.addTask { try await stack.gateway.post("\(root)/replay", body) } }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(answers.allSatisfy { $0.status == 200 }, "\(answers.map(\.text))")
    #expect(answers.map { $0.json.data["count"].int ?? -1 }.sorted() == [0, 0, 0, 0, 100])
    #expect(answers.count { $0.json.data.already.bool == true } == 4)
    let replays = Set(answers.compactMap(\.json.data.replay_id.string))
    #expect(replays.count == 1)
    let promised = try secondsUntil(
      try #require(answers.compactMap(\.json.data.estimated_complete_at.string).first))
    let completeIn = promised + Double(MonotonicTime.nanoseconds - begun) / 1e9
    var took = 0.0
    try await eventually(within: .seconds(60), "the last one is given to the provider") {
      let arrived = try await stack.mock.arrivals().filter {
        numbers.contains("+\($0.number)") && $0.outcome == "accepted"
      }
      took = Double((arrived.map(\.monotonicNs).max() ?? begun) - begun) / 1e9
      return arrived.count == 100
    }
    // A pause of the machine costs slots, which no estimate can know: 5 % are asked of a quiet one.
    #expect(
      abs(took - completeIn) < Length.choose(2, long: 0.05 * took), "promised in \(completeIn) s, it took \(took) s")
    let message = try await stack.finalMessage(id, within: .seconds(20))
    #expect(message.job_status.string == "completed" && message.success_count.int == 100)
    let arrivals = try await stack.mock.arrivals().filter { $0.outcome == "accepted" }.map { "+\($0.number)" }
    for number in numbers { #expect(arrivals.count { $0 == number } == 1, "\(number)") }
    let replay = try #require(replays.first)
    try await eventually(within: .seconds(20), "the replay has ended") {
      try await stack.gateway.get("\(root)/replays/\(replay)").json.data.ended_at.string != nil
    }
    let results = try await stack.gateway.get("\(root)/replays/\(replay)").json.data.results
    #expect(results.sent.int == 100 && results.pending.int == 0, "\(results)")
    let letter = try #require(listed.id.string)
    let story = try await stack.gateway.get("\(root)/\(letter)").json.data
    #expect(story.status.string == "retried" && story.close_reason.string == "replayed", "\(story)")
    #expect(story.requests[0].kind.string == "replay" && story.requests[0].result.string == "sent")
    #expect(story.requests[0].reason.string == "the outage is over")
    let again = try await stack.gateway.post("\(root)/\(letter)/replay")
    #expect(again.status == 200 && again.json.data.already.bool == true)
    let late = try await stack.gateway.post("\(root)/\(letter)/abandon")
    #expect(late.status == 409 && late.json.error.details[0].code.string == "retried")
  }

  @Test("What is abandoned fails, and what is cancelled of a replay is pending again")
  func endings() async throws {
    let stack = try SharedStack.current
    let (id, _) = try await outage(30, on: stack)
    let letters = try await stack.gateway.get("\(root)?message_id=\(id)").json.data.dead_letters.array
    let ids = letters.compactMap(\.id.string)
    let abandoned = try await stack.gateway.post("\(root)/\(ids[0])/abandon", ["reason": "a test"])
    #expect(abandoned.status == 200 && abandoned.json.data["count"].int == 1, "\(abandoned.text)")
    let second = try await stack.gateway.post("\(root)/abandon", ["ids": [.string(ids[0]), .string(ids[1])]])
    #expect(second.json.data["count"].int == 1 && second.json.data.refused.int == 1, "\(second.text)")
    let dead = try await stack.gateway.post("\(root)/\(ids[2])/settle", ["as": "sent"])
    #expect(dead.status == 409 && dead.json.error.details[0].code.string == "dead")
    _ = try await stack.gateway.post("/api/admin/sending/stop")
    try await eventually(within: .seconds(20), "the gateway knows that nothing goes") {
      try await stack.gateway.get("/api/health").json.sending.string == "stopped"
    }
    let replay = try await stack.gateway.post("\(root)/replay", ["filter": ["message_id": .string(id)]])
    #expect(replay.json.data["count"].int == 28 && replay.json.data.estimated_complete_at.isNull, "\(replay.text)")
    let replayID = try #require(replay.json.data.replay_id.string)
    let cancelled = try await stack.gateway.post("\(root)/replays/\(replayID)/cancel", ["reason": "the wrong one"])
    #expect(cancelled.status == 200, "\(cancelled.text)")
    #expect(cancelled.json.data["count"].int == 28 && cancelled.json.data.in_flight.int == 0)
    _ = try await stack.gateway.post("/api/admin/sending/go")
    try await eventually(within: .seconds(20), "the letters are pending again") {
      try await stack.gateway.get("\(root)?message_id=\(id)&status=pending").json.data.dead_letters.array.count == 28
    }
    let message = try await stack.message(id)
    #expect(message["counts"].failed.int == 2 && message["counts"].dead.int == 28, "\(message)")
    let end = try await stack.gateway.get("\(root)/replays/\(replayID)").json.data
    #expect(end.results.taken_back.int == 28 && end.results.dead.int == 0, "\(end)")
    #expect(end.cancel_reason.string == "the wrong one", "\(end)")
    let back = try await stack.gateway.get("\(root)?message_id=\(id)&status=pending").json.data.dead_letters.array
    #expect(back.allSatisfy { $0.replay_count.int == 0 })
    let again = try await stack.gateway.post("\(root)/replays/\(replayID)/cancel")
    #expect(again.status == 200 && again.json.data.already.bool == true, "\(again.text)")
  }
}
