import Contracts
import Testing

@testable import APIGateway

extension GatewayIntegrationTests {
  @Suite("A dead letter settled on its page", .serialized)
  struct PanelSettle {
    @Test("The preview of a replay says of unconfirmed SMS what the replay does: they go where the filter names them")
    func preview() async throws {
      try await GatewayStack.run { stack in
        try await DeadLetterTables.make(in: stack.pool)
        for unit in ["dead", "unconfirmed", "unconfirmed"] {
          _ = try await DeadLetterTables.insert(
            unit: unit, errorType: unit == "dead" ? "timeout" : unit, user: stack.user, into: stack.pool)
        }
        let browser = PanelBrowser(stack.http)
        #expect(try await browser.logIn("root", "secret").status == 303)
        let page = try await browser.get("/admin/dead-letter")
        let all = try await browser.submit("/admin/dead-letter/replay", [], from: page).body
        #expect(all.contains("1 SMS would be sent again.") && all.contains("2 unconfirmed ones are left out"), "\(all)")
        #expect(!all.contains("arrive twice"))
        let filter = [("error_type", "unconfirmed")]
        let named = try await browser.submit("/admin/dead-letter/replay", filter, from: page).body
        #expect(named.contains("2 SMS would be sent again.") && named.contains("2 of them are unconfirmed"), "\(named)")
        #expect(!named.contains("left out"))
      }
    }

    @Test("What an admin says about one letter reaches the dead-letter service")
    func settle() async throws {
      try await GatewayStack.run { stack in
        try await DeadLetterTables.make(in: stack.pool)
        let letter = try await DeadLetterTables.insert(unit: "unconfirmed", user: stack.user, into: stack.pool)
        let root = "/api/admin/dead-letters"
        try await PlayedScheduler.run(
          in: stack, as: "dead-letter", queue: BrokerNames.deadLetterCommands,
          command: ("\(root)/abandon", #"{"ids": ["\#(EnvelopeID.timeOrdered())"]}"#)
        ) { service in
          service.answer(.done, letters: .init(applied: 1))
          let browser = PanelBrowser(stack.http)
          #expect(try await browser.logIn("root", "secret").status == 303)
          let page = try await browser.get("/admin/dead-letter/\(letter)")
          let answer = try await browser.submit(
            "/admin/dead-letter/\(letter)/settle", [("as", "sent"), ("reason", "asked them")], from: page)
          #expect(answer.status == 303, "\(answer.body)")
          let command = try service.last(DeadLetterSettle.self).body
          #expect(command.verdict == .sent && command.selection.ids == [letter])
          #expect(command.actor.reason == "asked them")
        }
      }
    }
  }
}
