import Contracts
import Foundation
import Testing

@testable import APIGateway

@Suite("Many dead letters at a time")
struct BulkLetterTests {
  private static func post(_ gateway: GatewayFixture, _ action: String, _ body: String) async throws -> RawHTTP.Answer {
    try await gateway.admin("POST", "/api/admin/dead-letters/\(action)", body)
  }

  @Test("A dry run counts what would be done and changes nothing; the replay then does just that")
  func replay() async throws {
    try await DeadLetterTables.run { gateway in
      gateway.playDeadLetters()
      let user = gateway.user.userID
      for number in 0..<7 {
        try await DeadLetterTables.insert(
          errorType: number < 5 ? "timeout" : "throttled", user: user, after: number, into: gateway.pool)
      }
      try await DeadLetterTables.insert(state: "replaying", unit: "pending", user: user, into: gateway.pool)
      try await DeadLetterTables.insertPoison(into: gateway.pool)
      gateway.queue.apply(.waiting(0, of: user))
      let body = #"{"filter": {"error_type": "timeout", "status": "pending"}, "reason": "outage", "limit": 100"#
      let preview = try await Self.post(gateway, "replay", body + #", "dry_run": true}"#)
      #expect(preview.status == 200, "\(preview.body)")
      #expect(preview.number("data.count") == 5 && preview.number("data.segments") == 5)
      #expect(preview.bool("data.dry_run") == true)
      let foretold = try #require(preview.string("data.estimated_complete_at").flatMap { Timestamp($0) })
      #expect(abs((foretold - .now()) / .seconds(1) - 2) < 1, "four go before the last one, at 2/s")
      #expect(gateway.published == 0)
      let done = try await Self.post(gateway, "replay", body + "}")
      #expect(done.status == 200, "\(done.body)")
      #expect(done.number("data.count") == 5 && done.number("data.segments") == 5)
      #expect(done.number("data.refused") == 0 && done.bool("data.already") == false)
      #expect(done.string("data.replay_id") != nil && done["data.dry_run"] == nil)
      let promised = try #require(done.string("data.estimated_complete_at").flatMap { Timestamp($0) })
      #expect(abs((promised - foretold) / .seconds(1)) < 1)
      let command = try gateway.publisher.command(DeadLetterReplay.self).body
      #expect(command.selection == LetterSelection(errorType: "timeout", limit: 100))
      #expect(command.actor.reason == "outage" && command.messageClass == nil)
      let again = try await Self.post(gateway, "replay", body + "}")
      #expect(again.status == 200 && again.number("data.count") == 0)
      #expect(again.string("message") == "There was nothing to do")
      let running = ReplayID.timeOrdered()
      gateway.answerCommands(letters: .init(applied: 0, replayID: running, isRunning: true))
      let second = try await Self.post(gateway, "replay", body + "}")
      #expect(second.status == 200 && second.bool("data.already") == true && second.number("data.count") == 0)
      #expect(second.string("data.replay_id") == running.description)
      #expect(second.string("message")?.contains("runs already") == true)
    }
  }

  @Test("Every filter is in the command as it was meant, ids each once")
  func selections() async throws {
    try await DeadLetterTables.run { gateway in
      gateway.answerCommands(letters: .init(applied: 0))
      let (user, message, id) = (UserID.timeOrdered(), MessageID.timeOrdered(), EnvelopeID.timeOrdered())
      let filter = """
        {"filter": {"error_type": "timeout", "provider": "hkt", "user_id": "\(user)", "message_id": "\(message)",
          "from": "2026-11-20T08:00:00Z", "to": "2026-11-20T09:00:00.000Z", "status": null}}
        """
      #expect(try await Self.post(gateway, "abandon", filter).status == 200)
      let selection = try gateway.publisher.command(DeadLetterAbandon.self).body.selection
      #expect(selection.errorType == "timeout" && selection.provider == "hkt" && selection.userID == user)
      #expect(selection.messageID == message && selection.ids == nil && selection.limit == nil)
      #expect(selection.from == Timestamp("2026-11-20T08:00:00Z"))
      #expect(selection.to == Timestamp("2026-11-20T09:00:00.001Z"), "the whole millisecond")
      let ids = #"{"ids": ["\#(id)", "\#(id.description.uppercased())"], "as": "failed", "limit": 1}"#
      #expect(try await Self.post(gateway, "settle", ids).status == 200)
      let settle = try gateway.publisher.command(DeadLetterSettle.self).body
      #expect(settle.selection == LetterSelection(ids: [id], limit: 1) && settle.verdict == .failed)
      #expect(try await Self.post(gateway, "replay", #"{"filter": {}, "all": true, "class": "normal"}"#).status == 200)
      let replay = try gateway.publisher.command(DeadLetterReplay.self).body
      #expect(replay.selection == LetterSelection() && replay.messageClass == .normal)
    }
  }

  @Test("Only dead SMS are counted as to be abandoned, only unconfirmed ones as to be settled")
  func previews() async throws {
    try await DeadLetterTables.run { gateway in
      gateway.playDeadLetters()
      for unit in ["dead", "dead", "unconfirmed"] {
        try await DeadLetterTables.insert(
          unit: unit, errorType: unit == "dead" ? "timeout" : unit, user: gateway.user.userID, into: gateway.pool)
      }
      for (action, extra, count) in [("abandon", "", 2), ("settle", #", "as": "sent""#, 1), ("replay", "", 2)] {
        let preview = try await Self.post(gateway, action, #"{"filter": {}, "dry_run": true\#(extra)}"#)
        #expect(preview.number("data.count") == Double(count), "\(action)")
        #expect(preview["data.estimated_complete_at"] == .null, "nothing is known of the queue")
        let limited = try await Self.post(gateway, action, #"{"filter": {}, "limit": 1, "dry_run": true\#(extra)}"#)
        #expect(limited.number("data.count") == 1)
      }
      let named = try await Self.post(
        gateway, "replay", #"{"filter": {"error_type": "unconfirmed"}, "dry_run": true}"#)
      #expect(named.number("data.count") == 1, "an unconfirmed SMS goes again only when that is said")
      #expect(gateway.published == 0)
      let abandoned = try await Self.post(gateway, "abandon", #"{"filter": {}}"#)
      #expect(abandoned.number("data.count") == 2 && abandoned["data.replay_id"] == .null, "\(abandoned.body)")
      #expect(abandoned["data.segments"] == .null && abandoned["data.estimated_complete_at"] == .null)
      let settled = try await Self.post(gateway, "settle", #"{"filter": {}, "as": "sent"}"#)
      #expect(settled.number("data.count") == 1 && settled.number("data.refused") == 0)
    }
  }

  @Test(
    "Named letters of which none can be taken are refused, which is no error", arguments: ["not_pending", "not_found"])
  func untouched(reason: String) async throws {
    try await DeadLetterTables.run { gateway in
      let ids = [EnvelopeID.timeOrdered(), .timeOrdered()].map { "\"\($0)\"" }.joined(separator: ", ")
      gateway.answerCommands(.refused, reason: reason)
      let named = try await Self.post(gateway, "abandon", #"{"ids": [\#(ids)]}"#)
      #expect(named.status == 200, "\(named.body)")
      #expect(named.number("data.count") == 0 && named.number("data.refused") == 2)
      #expect(named.string("message") == "There was nothing to do")
      let chosen = try await Self.post(gateway, "abandon", #"{"filter": {}}"#)
      #expect(chosen.status == (reason == "not_found" ? 404 : 409))
    }
  }

  @Test("A bad body is refused whole, by the names of its fields")
  func badBodies() async throws {
    try await DeadLetterTables.run { gateway in
      gateway.playDeadLetters()
      let letter = try await DeadLetterTables.insert(user: gateway.user.userID, into: gateway.pool)
      let poison = try await DeadLetterTables.insertPoison(into: gateway.pool)
      let many = "[" + Array(repeating: "\"\(letter)\"", count: 10_001).joined(separator: ",") + "]"
      let cases: [(String, String, [String])] = [
        ("replay", "{}", ["filter"]), ("replay", #"{"filter": null, "ids": null}"#, ["filter"]),
        ("replay", #"{"filter": {}, "ids": ["\#(letter)"]}"#, ["ids"]), ("replay", #"{"ids": []}"#, ["ids"]),
        ("replay", #"{"ids": "x"}"#, ["ids"]), ("replay", #"{"ids": ["x", "\#(letter)", 7]}"#, ["ids[0]", "ids[2]"]),
        ("replay", #"{"ids": \#(many)}"#, ["ids"]), ("replay", #"{"filter": []}"#, ["filter"]),
        ("replay", #"{"filter": {"status": "replaying"}, "all": true}"#, ["filter.status"]),
        ("replay", #"{"filter": {}}"#, ["filter"]),
        ("replay", #"{"filter": {"status": "pending"}, "all": false}"#, ["filter"]),
        ("replay", #"{"filter": {"provider": null}, "dry_run": false}"#, ["filter"]),
        ("abandon", #"{"filter": {}, "all": true}"#, ["all"]),
        (
          "replay", #"{"filter": {"phone": "1", "user_id": "ann", "from": 1, "provider": ""}}"#,
          ["filter.phone", "filter.user_id", "filter.from", "filter.provider"]
        ),
        ("replay", #"{"filter": {"error_type": "poison"}}"#, ["filter.error_type"]),
        ("replay", #"{"filter": {"provider": "a", "provider": "b"}}"#, ["filter.provider"]),
        (
          "replay", #"{"filter": {}, "all": true, "limit": 0, "dry_run": 1, "provider": "none"}"#,
          ["limit", "dry_run", "provider"]
        ),
        ("abandon", #"{"filter": {}, "limit": 100001, "class": "bulk"}"#, ["limit", "class"]),
        ("settle", #"{"filter": {}}"#, ["as"]), ("settle", #"{"filter": {}, "as": "gone"}"#, ["as"]),
        ("abandon", #"{"ids": ["\#(letter)", "\#(poison)"]}"#, ["ids[1]"]),
      ]
      for (action, body, fields) in cases {
        let answer = try await Self.post(gateway, action, body)
        #expect(answer.status == 400, "\(action) \(body.prefix(200)): \(answer.body)")
        let named = (answer.list("error.details") ?? []).indices.compactMap {
          answer.string("error.details.\($0).field")
        }
        #expect(named.sorted() == fields.sorted(), "\(action) \(body.prefix(200))")
      }
      #expect(gateway.published == 0)
    }
  }

  @Test("Replays are listed with what came of them, and one that runs is cancelled once")
  func replays() async throws {
    try await DeadLetterTables.run { gateway in
      gateway.playDeadLetters()
      let user = gateway.user.userID
      var letters: [EnvelopeID] = []
      for _ in 0..<9 {
        letters.append(
          try await DeadLetterTables.insert(state: "replaying", unit: "pending", user: user, into: gateway.pool))
      }
      let (old, running) = (UUID(), UUID())
      let results = ["sent", "sent", "failed", "dead", "unconfirmed", "expired", "cancelled", "refused:too_old", nil]
      try await DeadLetterTables.insertRequest(
        old, letters: [(letters[0], "sent")], isEnded: true, into: gateway.pool)
      try await DeadLetterTables.insertRequest(
        running, letters: Array(zip(letters, results)), reason: "again", after: 60, into: gateway.pool)
      let replayed = letters[8].uuid
      try await gateway.pool.query(
        "UPDATE dead_letter.letters SET replay_id = \(running) WHERE letter_id = \(replayed)")
      let path = "/api/admin/dead-letters/replays"
      let list = try await gateway.admin("GET", "\(path)?limit=1")
      #expect(list.status == 200, "\(list.body)")
      #expect(list.string("data.replays.0.id") == running.uuidString.lowercased())
      let cursor = try #require(list.string("data.next_cursor"))
      let rest = try await gateway.admin("GET", "\(path)?limit=1&cursor=\(cursor)")
      #expect(rest.string("data.replays.0.id") == old.uuidString.lowercased())
      #expect(rest["data.next_cursor"] == .null && rest.string("data.replays.0.ended_at") != nil)
      let one = try await gateway.admin("GET", "\(path)/\(running)")
      #expect(one["data"] == list["data.replays.0"])
      #expect(one.string("data.actor") == "root" && one.string("data.reason") == "again")
      #expect(one.string("data.class") == "bulk" && one["data.provider"] == .null)
      #expect(one.number("data.count") == 9 && one.number("data.segments") == 18)
      #expect(one.string("data.requested_at") == "2026-11-20T08:16:30.123Z")
      #expect(one["data.cancelled_by"] == .null && one["data.cancelled_at"] == .null && one["data.ended_at"] == .null)
      let counts = [
        "sent": 2, "failed": 1, "dead": 1, "unconfirmed": 1, "expired": 1, "cancelled": 1, "refused": 1, "pending": 1,
        "taken_back": 0,
      ]
      for (name, count) in counts { #expect(one.number("data.results.\(name)") == Double(count), "\(name)") }
      #expect(one.string("data.results.refusals.0.reason") == "too_old")
      #expect(one.number("data.results.refusals.0.count") == 1)

      let cancelled = try await gateway.admin("POST", "\(path)/\(running)/cancel", #"{"reason": "wrong provider"}"#)
      #expect(cancelled.status == 200, "\(cancelled.body)")
      #expect(cancelled.number("data.count") == 1 && cancelled.bool("data.already") == false)
      #expect(cancelled.number("data.in_flight") == 0)
      let command = try gateway.publisher.command(DeadLetterCancel.self).body
      #expect(command.replayID == ReplayID(running) && command.actor.reason == "wrong provider")
      let again = try await gateway.admin("POST", "\(path)/\(running)/cancel")
      #expect(again.status == 200 && again.bool("data.already") == true && again.number("data.count") == 0)
      #expect(gateway.published == 1)
      #expect(again.string("message")?.contains("by root at 20") == true, "\(again.body)")
      for (address, at) in [("\(path)/\(running)", "data"), (path, "data.replays.0")] {
        let after = try await gateway.admin("GET", address)
        #expect(after.string("\(at).cancelled_by") == "root" && after.string("\(at).actor") == "root")
        #expect(after.string("\(at).cancel_reason") == "wrong provider" && after.string("\(at).cancelled_at") != nil)
        #expect(after.string("\(at).cancelled_by_id") != nil, "\(after.body)")
      }
      let ended = try await gateway.admin("POST", "\(path)/\(old)/cancel")
      #expect(ended.status == 409 && ended.string("error.details.0.code") == "ended")
      #expect(ended.string("error.message")?.hasSuffix("of 1 letters 1 sent") == true, "\(ended.body)")
      let bad = try await gateway.admin("POST", "\(path)/\(running)/cancel", #"{"why": 1}"#)
      #expect(bad.status == 400 && bad.string("error.details.0.field") == "why")
    }
  }

  @Test("The audit has each change with what was chosen and how many it were, and no dry run")
  func audit() async throws {
    try await DeadLetterTables.run { gateway in
      gateway.playDeadLetters()
      let user = gateway.user.userID
      let id = try await DeadLetterTables.insert(user: user, into: gateway.pool)
      _ = try await Self.post(gateway, "replay", #"{"filter": {"error_type": "timeout"}, "dry_run": true}"#)
      _ = try await Self.post(gateway, "abandon", #"{"ids": ["\#(id)"], "reason": "call +85291234567"}"#)
      _ = try await gateway.admin("POST", "/api/admin/dead-letters/\(id)/replay", #"{"provider": "provider1"}"#)
      let audit = try await gateway.admin("GET", "/api/admin/audit")
      let entries = (audit.list("data.entries") ?? []).indices.map { index in
        let at = "data.entries.\(index)"
        return "\(audit.string("\(at).action") ?? "") \(audit.string("\(at).outcome") ?? "")"
      }
      #expect(entries == ["dead_letter.replay conflict", "dead_letters.abandon done"])
      #expect(audit.string("data.entries.0.subject_id") == id.description)
      #expect(audit.string("data.entries.0.subject_type") == "letter")
      #expect(audit.string("data.entries.0.details.provider") == "provider1")
      #expect(audit.number("data.entries.1.details.ids") == 1 && audit.number("data.entries.1.details.count") == 1)
      #expect(!audit.body.contains("91234567"))
    }
  }
}
