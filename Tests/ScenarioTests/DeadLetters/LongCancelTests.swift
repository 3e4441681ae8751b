import Foundation
import Postgres
import TestSupport
import Testing

/// A cancellation that takes many steps, and whoever carries it out dies in the middle.
@Suite("A long cancel", .serialized)
struct LongCancelTests {
  private let count = Length.choose(1_500, long: 20_000)

  /// Letters of messages that the scheduler does not have any more: it makes them anew from their letters.
  private func bury(_ stack: Stack) async throws {
    try await stack.query(
      """
      INSERT INTO dead_letter.letters (letter_id, unit_state, error_type, message_id, unit_index, dispatch, user_id,
        class, phone, content, segments, encoding, provider, retry_count, max_attempts, attempts, accepted_at, died_at,
        created_at)
      SELECT gen_random_uuid(), 'dead', 'timeout', gen_random_uuid(), 0, 4, gen_random_uuid(), 'normal',
        '+852' || 51000000 + i, 'Hello', 1, 'gsm7', 'hkt', 1, 5, '[]', now(), now(), now()
      FROM generate_series(1, \(count)) AS i
      """)
  }

  private func number(_ stack: Stack, _ query: PostgresQuery) async throws -> Int {
    try await stack.query(query).first?.decode("number") ?? -1
  }

  @Test("goes on where it stopped when dead-letter and scheduler are killed: all is pending again, nothing was sent")
  func killed() async throws {
    try await withStack(.hkt(rate: 2)) { stack in
      try await bury(stack)
      _ = try await stack.gateway.post("/api/admin/sending/stop")
      try await eventually(within: .seconds(20), "nothing goes") {
        try await stack.gateway.get("/api/health").json.sending.string == "stopped"
      }
      let replay = try await stack.letterCommand("replay", ["filter": [:], "all": true])
      #expect(replay["count"].int == count, "\(replay)")
      let path = "\(Stack.letters)/replays/\(replay.replay_id.string ?? "")"
      try await eventually(within: .seconds(120), "the scheduler has all of it") {
        try await number(stack, "SELECT count(*) AS number FROM scheduler.replayed") == count
      }
      async let answer = stack.gateway.post("\(path)/cancel", ["reason": "a test"])
      try await eventually(within: .seconds(30), "some of it is taken back") {
        try await number(stack, "SELECT count(*) AS number FROM scheduler.replayed") < count
      }
      try await stack.kill(.scheduler)
      try await stack.kill(.deadLetter)
      let left = try await number(stack, "SELECT count(*) AS number FROM scheduler.replayed")
      #expect(left > 0, "the kill came too late to be one in the middle")
      let status = try await answer.status
      #expect([200, 202].contains(status))
      try await stack.up()
      try await eventually(within: .seconds(60), "the replay has ended") {
        try await stack.gateway.get(path).json.data.ended_at.string != nil
      }
      let end = try await stack.gateway.get(path).json.data
      #expect(end.results.taken_back.int == count && end.results.pending.int == 0, "\(end)")
      #expect(end.cancelled_by.string != nil && end.cancel_reason.string == "a test", "\(end)")
      let again = try await stack.gateway.post("\(path)/cancel")
      #expect(again.status == 200 && again.json.data.already.bool == true, "\(again.text)")
      try await eventually(within: .seconds(60), "all letters are pending, as if nothing had been") {
        try await number(
          stack,
          "SELECT count(*) AS number FROM dead_letter.letters WHERE state = 'pending' AND replay_count = 0 AND dispatch = 5"
        ) == count
      }
      #expect(try await number(stack, "SELECT count(*) AS number FROM scheduler.units WHERE state <> 'dead'") == 0)
      #expect(try await stack.mock.arrivals().isEmpty)
    }
  }
}
