import Contracts
import Foundation
import Testing

@testable import APIGateway

@Suite("One dead letter at a time")
struct LetterActionTests {
  private static func post(
    _ gateway: GatewayFixture, _ id: EnvelopeID, _ action: String, _ body: String? = nil
  ) async throws -> RawHTTP.Answer {
    try await gateway.admin("POST", "/api/admin/dead-letters/\(id)/\(action)", body)
  }

  @Test("A replay is one command; the second click changes nothing and says so")
  func replay() async throws {
    try await DeadLetterTables.run { gateway in
      gateway.playDeadLetters()
      gateway.queue.apply(.waiting(9, of: .timeOrdered()))
      let id = try await DeadLetterTables.insert(user: gateway.user.userID, into: gateway.pool)
      let first = try await Self.post(
        gateway, id, "replay",
        #"{"class": "urgent", "provider": "provider1", "expires_at": null, "reason": "the outage is over"}"#)
      #expect(first.status == 200, "\(first.body)")
      #expect(first.bool("success") == true && first["message"] == nil)
      #expect(first.string("data.id") == id.description && first.string("data.status") == "replaying")
      #expect(first.number("data.count") == 1 && first.bool("data.already") == false)
      let command = try gateway.publisher.command(DeadLetterReplay.self)
      #expect(command.body.selection == LetterSelection(ids: [id]))
      #expect(command.body.messageClass == .urgent && command.body.provider == "provider1")
      #expect(command.body.expiresAt == nil)
      #expect(command.body.actor.name == "root" && command.body.actor.userID != nil)
      #expect(command.body.actor.reason == "the outage is over")
      #expect(command.header.requestID == first.headers["x-request-id"])
      #expect(first.string("data.replay_id") == command.header.id.description)
      // Pinned to a provider of which nothing is known.
      #expect(first["data.estimated_complete_at"] == .null)
      let second = try await Self.post(gateway, id, "replay", "{}")
      #expect(second.status == 200)
      #expect(second.number("data.count") == 0 && second.bool("data.already") == true)
      #expect(second.string("data.status") == "replaying")
      #expect(second.string("data.replay_id") == first.string("data.replay_id"))
      #expect(second.string("message")?.contains("nothing was done") == true)
      #expect(gateway.published == 1)
    }
  }

  @Test("Abandoning and settling are one command each, and their second clicks none")
  func closing() async throws {
    try await DeadLetterTables.run { gateway in
      gateway.playDeadLetters()
      let user = gateway.user.userID
      let dead = try await DeadLetterTables.insert(user: user, into: gateway.pool)
      let unsure = try await DeadLetterTables.insert(unit: "unconfirmed", user: user, into: gateway.pool)
      let steps = [
        (dead, "abandon", "", "abandoned"), (unsure, "settle", #"{"as": "sent", "reason": "log"}"#, "settled"),
      ]
      for (index, (id, action, body, status)) in steps.enumerated() {
        let first = try await Self.post(gateway, id, action, body)
        #expect(first.status == 200, "\(first.body)")
        #expect(first.string("data.status") == status && first.number("data.count") == 1)
        #expect(first.bool("data.already") == false && first["data.replay_id"] == .null)
        let second = try await Self.post(gateway, id, action, body)
        #expect(second.status == 200 && second.bool("data.already") == true, "\(second.body)")
        #expect(second.number("data.count") == 0 && second.string("data.status") == status)
        #expect(gateway.published == index + 1)
      }
      let settled = try gateway.publisher.command(DeadLetterSettle.self).body
      #expect(settled.verdict == .sent && settled.selection.ids == [unsure] && settled.actor.reason == "log")
      let other = try await Self.post(gateway, unsure, "settle", #"{"as": "failed"}"#)
      #expect(other.status == 409 && other.string("error.details.0.code") == "settled", "it is sent")
    }
  }

  @Test(
    "A state that forbids it is a 409 that names the state, and nothing is published",
    arguments: [
      ("pending", "unconfirmed", "abandon", "unconfirmed", "settle it"),
      ("pending", "dead", "settle", "dead", "abandon"), ("replaying", "pending", "abandon", "replaying", "cancel"),
      ("replaying", "pending", "settle", "replaying", "cancel"), ("retried", "sent", "abandon", "retried", "again"),
      ("retried", "sent", "settle", "retried", "again"), ("abandoned", "failed", "replay", "abandoned", "given up"),
      ("abandoned", "failed", "settle", "abandoned", "given up"), ("settled", "sent", "replay", "settled", "sent"),
      ("settled", "failed", "abandon", "settled", "failed"), ("settled", "failed", "settle", "settled", "failed"),
    ])
  func conflicts(_ state: String, _ unit: String, _ action: String, _ code: String, _ text: String) async throws {
    try await DeadLetterTables.run { gateway in
      gateway.playDeadLetters()
      let id = try await DeadLetterTables.insert(
        state: state, unit: unit, user: gateway.user.userID, into: gateway.pool)
      let answer = try await Self.post(gateway, id, action, action == "settle" ? #"{"as": "sent"}"# : nil)
      #expect(answer.status == 409, "\(answer.body)")
      #expect(answer.string("error.code") == "CONFLICT")
      #expect(answer.string("error.details.0.field") == "status")
      #expect(answer.string("error.details.0.code") == code)
      #expect(answer.string("error.message")?.contains(text) == true, "\(answer.body)")
      #expect(gateway.published == 0)
    }
  }

  @Test("What somebody quicker did in between is what the answer says")
  func quicker() async throws {
    try await DeadLetterTables.run { gateway in
      let pool = gateway.pool
      let id = try await DeadLetterTables.insert(unit: "unconfirmed", user: gateway.user.userID, into: pool)
      gateway.playDeadLetters {
        try await pool.query(
          """
          UPDATE dead_letter.letters SET state = 'settled', unit_state = 'sent', closed_at = now(), close_reason = 'late_answer'
          """)
      }
      let same = try await Self.post(gateway, id, "settle", #"{"as": "sent"}"#)
      #expect(same.status == 200 && same.bool("data.already") == true && same.number("data.count") == 0)
      try await pool.query(
        "UPDATE dead_letter.letters SET state = 'pending', closed_at = NULL, unit_state = 'unconfirmed'")
      let other = try await Self.post(gateway, id, "settle", #"{"as": "failed"}"#)
      #expect(other.status == 409 && other.string("error.details.0.code") == "settled", "\(other.body)")
      try await pool.query("UPDATE dead_letter.letters SET state = 'pending', closed_at = NULL, unit_state = 'dead'")
      // The scheduler would not have it, and the letter waits as before.
      gateway.answerCommands(letters: .init(applied: 0, refused: 1))
      let refused = try await Self.post(gateway, id, "abandon")
      #expect(refused.status == 409 && refused.string("error.details.0.code") == "wrong_state")
      gateway.answerCommands(letters: .init(applied: 0, replayID: ReplayID.timeOrdered(), isRunning: true))
      let running = try await Self.post(gateway, id, "replay")
      #expect(running.status == 200 && running.bool("data.already") == true && running.string("data.replay_id") != nil)
      gateway.answerCommands(.refused, reason: "provider_not_allowed")
      let provider = try await Self.post(gateway, id, "replay")
      #expect(provider.status == 409 && provider.string("error.details.0.code") == "provider_not_allowed")
    }
  }

  @Test("A command that nobody answers in three seconds is requested")
  func unanswered() async throws {
    try await DeadLetterTables.run { gateway in
      let id = try await DeadLetterTables.insert(user: gateway.user.userID, into: gateway.pool)
      let start = ContinuousClock.now
      let answer = try await Self.post(gateway, id, "abandon")
      #expect(ContinuousClock.now - start < .seconds(5))
      #expect(answer.status == 202 && answer.string("status") == "requested")
    }
  }

  @Test("A body that is left out may be of any type")
  func noBody() async throws {
    try await DeadLetterTables.run { gateway in
      gateway.playDeadLetters()
      let id = try await DeadLetterTables.insert(user: gateway.user.userID, into: gateway.pool)
      let form = ["Content-Type": "application/x-www-form-urlencoded"]
      let path = "/api/admin/dead-letters/\(id)/replay"
      let filled = try await gateway.http.request(
        "POST", path, token: GatewayFixture.adminToken, headers: form, body: "class=bulk")
      #expect(filled.status == 415)
      let empty = try await gateway.http.request(
        "POST", path, token: GatewayFixture.adminToken, headers: form, body: "")
      #expect(empty.status == 200, "\(empty.body)")
    }
  }

  @Test("A bad body is refused whole, by the names of its fields")
  func badBodies() async throws {
    try await DeadLetterTables.run { gateway in
      gateway.playDeadLetters()
      let id = try await DeadLetterTables.insert(user: gateway.user.userID, into: gateway.pool)
      let long = String(repeating: "x", count: 501)
      let cases: [(String, String, [String])] = [
        (
          "replay", #"{"class": "now", "provider": "none", "expires_at": "soon", "reason": 7}"#,
          ["class", "provider", "expires_at", "reason"]
        ),
        ("replay", #"{"expires_at": "2020-01-01T00:00:00Z", "as": "sent"}"#, ["as", "expires_at"]),
        ("replay", #"{"body": "{}"}"#, ["body"]), ("replay", #"{"reason": "\#(long)"}"#, ["reason"]),
        ("abandon", #"{"reason": ""}"#, ["reason"]), ("abandon", #"{"class": "bulk"}"#, ["class"]),
        ("settle", "", ["as"]), ("settle", #"{"as": null}"#, ["as"]), ("settle", #"{"as": "lost"}"#, ["as"]),
      ]
      for (action, body, fields) in cases {
        let answer = try await Self.post(gateway, id, action, body)
        #expect(answer.status == 400, "\(action) \(body): \(answer.body)")
        let named = (answer.list("error.details") ?? []).indices.compactMap {
          answer.string("error.details.\($0).field")
        }
        #expect(named.sorted() == fields.sorted(), "\(action) \(body)")
      }
      #expect(try await Self.post(gateway, id, "replay", "[]").string("error.code") == "INVALID_JSON")
      #expect(gateway.published == 0)
    }
  }

  @Test("A broker message goes back as it is or mended, or is dropped, once")
  func poison() async throws {
    try await DeadLetterTables.run { gateway in
      gateway.playDeadLetters()
      let pool = gateway.pool
      let (first, second) = (
        try await DeadLetterTables.insertPoison(queue: BrokerNames.schedulerCommands, into: pool),
        try await DeadLetterTables.insertPoison(into: pool)
      )
      let refusals: [(String, String, Int)] = [
        ("settle", #"{"as": "sent"}"#, 409), ("replay", #"{"class": "bulk", "provider": "provider1"}"#, 400),
        ("replay", #"{"body": "no JSON"}"#, 400), ("replay", #"{"body": 1}"#, 400),
        // Whole, and for another queue.
        (
          "replay",
          Self.body(
            try Wire.encode(Envelope(DeadLetterCancel(replayID: .timeOrdered(), actor: .init(userID: nil, name: "x"))))),
          400
        ),
      ]
      for (action, body, status) in refusals {
        let answer = try await Self.post(gateway, first, action, body)
        #expect(answer.status == status, "\(action) \(body): \(answer.body)")
      }
      let broken = try await Self.post(
        gateway, first, "replay", #"{"body": "{\"v\":1,\"type\":\"sending.stop\",\"id\":7}"}"#)
      #expect(broken.string("error.details.0.field") == "body")
      #expect(broken.string("error.details.0.message")?.contains(".id") == true, "\(broken.body)")
      #expect(gateway.published == 0)
      let mended = Self.body(try Wire.encode(Envelope(SendingStop())))
      let returned = try await Self.post(gateway, first, "replay", mended)
      #expect(returned.status == 200, "\(returned.body)")
      #expect(returned.string("data.status") == "retried" && returned.number("data.count") == 1)
      let command = try gateway.publisher.command(PoisonReturn.self).body
      #expect(command.letterID == first && command.body?.contains("sending.stop") == true)
      #expect(try await Self.post(gateway, first, "replay").bool("data.already") == true)
      #expect(try await Self.post(gateway, first, "abandon").string("error.details.0.code") == "retried")
      let dropped = try await Self.post(gateway, second, "abandon", #"{"reason": "a test"}"#)
      #expect(dropped.status == 200 && dropped.string("data.status") == "abandoned")
      #expect(try gateway.publisher.command(PoisonDrop.self).body.actor.reason == "a test")
      #expect(try await Self.post(gateway, second, "abandon").bool("data.already") == true)
      #expect(try await Self.post(gateway, second, "replay").string("error.details.0.code") == "abandoned")
      #expect(gateway.published == 2)
    }
  }

  private static func body(_ message: [UInt8]) -> String {
    JSONWriter.text(.object([JSONMember(name: "body", value: .string(String(decoding: message, as: UTF8.self)))]))
  }
}
