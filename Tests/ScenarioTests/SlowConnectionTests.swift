import TestSupport
import Testing

/// A provider whose connections take longer than a claim may wait: it is seen, it costs no slot, and it heals by itself.
@Suite("Slow connections", .serialized)
struct SlowConnectionTests {
  @Test("an SMS whose connection is ready too late is seen in health, log and metric, and goes later")
  func slow() async throws {
    // Its queue of connections is full: the kernel lets a new one in at its second try, a second later.
    let stall = try StalledListener { connection in
      while connection.readRequest() != nil { connection.respond(body: #"{"ok":true}"#) }
    }
    let file = """
      providers:
        - { name: far, adapter: json, url: "\(stall.server.url)", rate: 10, claim_limit_ms: 300, connect_timeout_ms: 4000 }
      """
    try await withStack(StackOptions(providers: file)) { stack in
      let id = try await stack.send(to: numbers(1)[0])
      try await eventually(within: .seconds(20), "it was tried") {
        try await stack.query("SELECT 1 AS one FROM sender.ledger").count == 1
      }
      stall.release(after: 0.3)
      let message = try await stack.finalMessage(id, within: .seconds(30))
      #expect(message.success_count.int == 1)
      #expect(stall.server.requests.count == 1, "the slow connection wrote nothing")
      let codes = try await stack.query(
        "SELECT error_code, anchor_at = '-infinity' AS is_free FROM sender.ledger WHERE outcome = 'retryable'")
      #expect(try codes.first?.decode("error_code") == "connect_slow")
      #expect(try codes.first?.decode("is_free") == true, "no slot was taken")
      #expect(stack.logs(lines: 100).contains("connect_slow"))
      let metrics = try await JSONClient(base: try stack.internalURL(of: .sender)).get("/metrics").text
      #expect(metrics.contains(#"sluice_sender_connect_slow_total{provider="far"} 1"#), "\(metrics)")
      let health = try await stack.gateway.get("/api/sms/health/far")
      #expect(health.text.contains("\"failure"), "\(health.text)")
    }
  }
}
