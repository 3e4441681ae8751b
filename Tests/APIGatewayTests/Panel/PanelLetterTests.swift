import Contracts
import Foundation
import Testing

@testable import APIGateway

@Suite("The page of a dead letter")
struct PanelLetterTests {
  @Test("What an admin chooses there is what the API is asked for: class, provider and reason")
  func options() async throws {
    try await DeadLetterTables.run { gateway in
      gateway.playDeadLetters()
      gateway.queue.apply(.waiting(9, of: .timeOrdered()))
      let token = "sluice_session_of_a_test"
      let admin = Principal(userID: .timeOrdered(), username: "root", isAdmin: true, weight: 1)
      gateway.directory.withLockedValue {
        $0.add(
          TokenDirectory.Record(
            digest: TokenDigest(token: token), principal: admin, expiresAt: nil, isUsable: true, kind: .session))
      }
      let form = [
        (name: "csrf_token", value: FormToken(secret: token).text), (name: "class", value: "urgent"),
        (name: "by_provider", value: "provider1"), (name: "reason", value: "the outage is over"),
      ]
      func post(_ path: String) async throws -> RawHTTP.Answer {
        try await gateway.http.request(
          "POST", path,
          headers: ["Cookie": "sluice_session=\(token)", "Content-Type": "application/x-www-form-urlencoded"],
          body: String(PanelURL.query(form).dropFirst()))
      }
      let replayed = try await DeadLetterTables.insert(user: gateway.user.userID, into: gateway.pool)
      let answer = try await post("/admin/dead-letter/\(replayed)/replay")
      #expect(answer.status == 303, "\(answer.body)")
      let replay = try gateway.publisher.command(DeadLetterReplay.self).body
      #expect(replay.messageClass == .urgent && replay.provider == "provider1")
      #expect(replay.actor.reason == "the outage is over")
      let dead = try await DeadLetterTables.insert(user: gateway.user.userID, into: gateway.pool)
      #expect(try await post("/admin/dead-letter/\(dead)/abandon").status == 303)
      #expect(try gateway.publisher.command(DeadLetterAbandon.self).body.actor.reason == "the outage is over")
    }
  }
}
