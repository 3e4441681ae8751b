import Foundation
import TestSupport
import Testing

/// What providers answer, in HKT's form and others, and what is made of it: seen at the mock and through the API.
@Suite("Providers' answers, through all services", .serialized)
struct ProviderReplyTests {
  private static func providers(proxy: String, deadProxy: String) -> String {
    """
    global: { rate: 200 }
    providers:
      - name: hkt
        adapter: hkt
        url: "${SMS_BASE_URL}"
        application: test
        sender_number: "85200000000"
        rate: 20
        retry: { base_s: 0.2 }
        replies:
          - { xml: response/reason, value: "(?i)quota", outcome: throttled }
          - { body: "額度", outcome: throttled }
      - name: strict
        adapter: hkt
        url: "${SLUICE_MOCK_URL}/strict/gateway.jsp"
        application: test
        sender_number: "85200000000"
        hkt_strict: true
        rate: 20
      - name: proxied
        adapter: json
        url: "${SLUICE_MOCK_URL}/api/sms/proxied"
        proxy: "\(proxy)"
        rate: 20
      - name: cut-off
        adapter: json
        url: "${SLUICE_MOCK_URL}/api/sms/cut-off"
        proxy: "\(deadProxy)"
        rate: 20

    """
  }

  private func send(_ stack: Stack, by provider: String, to number: String) async throws -> String {
    let answer = try await stack.gateway.post("/api/sms/\(provider)", ["phone": .string(number), "text": "x"])
    try #require(answer.status == 202, "\(answer.text)")
    return try #require(answer.json.message_id.string)
  }

  private func recipient(_ stack: Stack, _ id: String) async throws -> JSONValue {
    _ = try await stack.finalMessage(id, within: .seconds(40))
    let answer = try await stack.gateway.get("/api/sms/\(id)/recipients")
    return try #require(answer.json.data.recipients.array.first)
  }

  @Test("HKT's status and reason decide, rules map reasons, and a proxy's trouble is no answer of the provider")
  func answers() async throws {
    let proxy = try await Tinyproxy()
    let deadPort = try RawServer.unusedPort()
    let options = StackOptions(
      providers: Self.providers(proxy: proxy.url(user: "user:proxysecret"), deadProxy: "http://127.0.0.1:\(deadPort)"))
    try await withStack(options) { stack in
      try await stack.mock.behave(
        "hkt",
        [
          "faults": [
            ["suffix": "0002", "kind": "error", "reason": "Recipient <barred>"],
            ["suffix": "0003", "kind": "error", "reason": "Quota used up", "times": 1],
            // 額度已用完
            [
              "suffix": "0004", "kind": "reply", "content_type": "text/html; charset=Big5",
              "body_base64": "w0Kr16R3pc6nuQ==", "times": 1,
            ],
            ["suffix": "0005", "kind": "status", "status": 404, "times": 1],
          ]
        ])
      var ids: [String: String] = [:]
      for suffix in ["0001", "0002", "0003", "0004", "0005"] {
        ids[suffix] = try await send(stack, by: "hkt", to: "+8525100\(suffix)")
      }
      for suffix in ["0001", "0003", "0004", "0005"] {
        let end = try await recipient(stack, try #require(ids[suffix]))
        #expect(end.status.string == "sent", "\(suffix) \(end)")
      }
      let barred = try await recipient(stack, try #require(ids["0002"]))
      #expect(barred.status.string == "failed")
      #expect(barred.error_message.string == "Recipient <barred>")
      #expect(barred.error_code.string == "http_200")
      let arrivals = try await stack.mock.arrivals(of: "hkt")
      func count(_ suffix: String) -> Int { arrivals.count { $0.number.hasSuffix(suffix) } }
      #expect(["0001", "0002", "0003", "0004", "0005"].map(count) == [1, 1, 2, 2, 2])
      #expect(arrivals.count { $0.outcome == "accepted" } == 4)

      // As older gateways answer: a line of text.
      #expect(try await notUnderstood(stack) == ["hkt": 0, "strict": 0, "proxied": 0, "cut-off": 0])
      for name in ["hkt", "strict"] { try await stack.mock.behave(name, ["replies": "plain"]) }
      let plain = try await recipient(stack, try await send(stack, by: "hkt", to: "+85251000006"))
      #expect(plain.status.string == "sent")
      let doubtful = try await recipient(stack, try await send(stack, by: "strict", to: "+85251000007"))
      #expect(doubtful.status.string == "unconfirmed")
      #expect(try await notUnderstood(stack) == ["hkt": 1, "strict": 1, "proxied": 0, "cut-off": 0])

      let proxied = try await recipient(stack, try await send(stack, by: "proxied", to: "+85251000008"))
      #expect(proxied.status.string == "sent")
      #expect(proxy.log.contains("/api/sms/proxied"))
      let cutOff = try await send(stack, by: "cut-off", to: "+85251000009")
      try await eventually(within: .seconds(20), "an attempt that reached nobody") {
        let rows = try await stack.query(
          "SELECT count(*) AS tries FROM sender.ledger WHERE message_id = \(try #require(UUID(uuidString: cutOff))) AND error_code = 'connection' AND outcome = 'retryable'"
        )
        return try (rows.first?.decode("tries") ?? 0) > 0
      }
      #expect(try await stack.mock.arrivals(of: "cut-off").isEmpty)
      #expect(try await stack.mock.arrivals(of: "strict").count == 1)
      let log = try String(contentsOf: stack.home.appending(path: "log/sender.log"), encoding: .utf8)
      #expect(!log.contains("proxysecret"))
      #expect(log.components(separatedBy: "was not understood").count == 3, "one line for each of two providers")
    }
  }

  /// The sender's counter, by provider.
  private func notUnderstood(_ stack: Stack) async throws -> [String: Int] {
    let text = try await JSONClient(base: stack.internalURL(of: .sender)).get("/metrics").text
    let pattern = /sluice_sender_replies_not_understood_total\{provider="([a-z-]+)"\} ([0-9]+)/
    return Dictionary(
      text.matches(of: pattern).map { (String($0.1), Int($0.2) ?? -1) }, uniquingKeysWith: { first, _ in first })
  }
}
