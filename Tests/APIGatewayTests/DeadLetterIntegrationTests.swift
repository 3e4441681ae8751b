import Contracts
import Foundation
import TestSupport
import Testing

@testable import APIGateway

extension GatewayIntegrationTests {
  /// Dead letters over a real broker, with a dead-letter service that is played.
  @Suite("Dead letters", .serialized)
  struct DeadLetterIntegrationTests {
    @Test("Commands about letters reach the dead-letter service, and its answers whoever asked")
    func commands() async throws {
      try await GatewayStack.run { stack in
        try await DeadLetterTables.make(in: stack.pool)
        let dead = try await DeadLetterTables.insert(user: stack.user, into: stack.pool)
        let poison = try await DeadLetterTables.insertPoison(into: stack.pool)
        let root = "/api/admin/dead-letters"
        try await PlayedScheduler.run(
          in: stack, as: "dead-letter", queue: BrokerNames.deadLetterCommands,
          command: ("\(root)/abandon", #"{"ids": ["\#(EnvelopeID.timeOrdered())"]}"#)
        ) { service in
          let replayID = ReplayID.timeOrdered()
          service.answer(.done, letters: .init(applied: 1, segments: 1, replayID: replayID))
          let replay = try await stack.admin("POST", "\(root)/\(dead)/replay", #"{"reason": "again"}"#)
          #expect(replay.status == 200 && replay.string("data.replay_id") == replayID.description, "\(replay.body)")
          let command = try service.last(DeadLetterReplay.self)
          #expect(command.body.selection.ids == [dead] && command.body.actor.name == "root")
          #expect(command.header.requestID == replay.headers["x-request-id"])
          let returned = try await stack.admin("POST", "\(root)/\(poison)/replay")
          #expect(returned.status == 200)
          #expect(try service.last(PoisonReturn.self).body.letterID == poison)
          #expect(try await stack.admin("POST", "\(root)/\(poison)/abandon").status == 200)
          #expect(try service.last(PoisonDrop.self).body.letterID == poison)
          service.answer(.done, letters: .init(applied: 7, refused: 2))
          let settled = try await stack.admin("POST", "\(root)/settle", #"{"filter": {}, "as": "sent"}"#)
          #expect(settled.number("data.count") == 7 && settled.number("data.refused") == 2)
          #expect(try service.last(DeadLetterSettle.self).body.verdict == .sent)
          try await DeadLetterTables.insertRequest(
            replayID.uuid, letters: [(dead, nil)], into: stack.pool)
          let cancelled = try await stack.admin("POST", "\(root)/replays/\(replayID)/cancel")
          #expect(cancelled.number("data.count") == 7 && cancelled.number("data.in_flight") == 2)
          #expect(try service.last(DeadLetterCancel.self).body.replayID == replayID)
          service.answer(.refused, reason: "nothing_to_cancel")
          let late = try await stack.admin("POST", "\(root)/replays/\(replayID)/cancel")
          #expect(late.status == 409 && late.string("error.details.0.code") == "nothing_to_cancel")
          #expect(late.string("error.message")?.hasSuffix("of 1 letters 1 still under way") == true, "\(late.body)")
          service.beSilent()
          let requested = try await stack.admin("POST", "\(root)/abandon", #"{"filter": {}}"#)
          #expect(requested.status == 202 && requested.string("status") == "requested")
        }
      }
    }
  }
}
