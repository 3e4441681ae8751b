import Testing

@testable import MockProvider

@Suite(.timeLimit(.minutes(1)))
struct MockServerTests {
  private let form = "application=a&sender=1&msg_utf8=%E4%BD%A0&mrt=8529123456"

  @Test("HKT's form is accepted twice a second and refused the third time")
  func hkt() async throws {
    let mock = try RunningMock()
    let head = #"<?xml version="1.0" encoding="UTF-8"?>"# + "\n<response>"
    #expect(
      await mock.call("POST", "/gateway/gateway.jsp", form + "1")
        == "200 \(head)<status>OK</status><id>1</id></response>")
    #expect(await mock.call("POST", "/hkt", form + "2") == "200 \(head)<status>OK</status><id>2</id></response>")
    #expect(
      await mock.call("POST", "/hkt/gateway.jsp", form + "3")
        == "429 \(head)<status>ERR</status><reason>limit exceeded</reason></response>")
    let seen = try #require(await mock.stats()["hkt"])
    #expect(seen.arrivals == 3 && seen.accepted == 2 && seen.refused == 1 && seen.violations == 1)
    #expect(seen.by_status == ["200": 2, "429": 1])
    #expect(seen.max_in_window == 3)
    let rows = try await mock.rows("provider=hkt")
    #expect(rows.map(\.number) == ["85291234561", "85291234562", "85291234563"])
    #expect(rows.map(\.status) == [200, 200, 429])
    #expect(rows.allSatisfy { $0.text == "你" })
    #expect(zip(rows, rows.dropFirst()).allSatisfy { $0.monotonic_ns < $1.monotonic_ns })
    #expect(try await mock.rows("provider=hkt&since=1&limit=1").map(\.n) == [2])
  }

  @Test("HKT's form can be answered with a line of text, as older gateways do")
  func plain() async throws {
    let mock = try RunningMock("--plain-replies")
    #expect(await mock.call("POST", "/hkt", form + "1") == "200 OK 1")
    _ = await mock.call("POST", "/behaviour", #"{"provider":"hkt","rate":0,"replies":"xml"}"#)
    #expect(await mock.call("POST", "/hkt", form + "2").contains("<status>OK</status>"))
    _ = await mock.call(
      "POST", "/behaviour",
      #"{"provider":"hkt","rate":0,"replies":"plain","faults":[{"percent":100,"kind":"status","status":500}]}"#)
    #expect(await mock.call("POST", "/hkt", form + "3") == "500 ERROR fault")
  }

  @Test("A refusal can stand in the body of a 200, or in any answer that a test wants")
  func refusals() async throws {
    let mock = try RunningMock("--provider", "hkt:0", "--provider", "a:0")
    let faults = #"""
      [{"suffix":"1","kind":"error","reason":"a < b & c"},
       {"suffix":"2","kind":"reply","status":404,"content_type":"text/html","body":"<p>gone</p>"},
       {"suffix":"3","kind":"reply","content_type":"text/html; charset=Big5","body_base64":"w0Kr1w=="}]
      """#
    for name in ["hkt", "a"] {
      #expect(await mock.call("POST", "/behaviour", #"{"provider":"\#(name)","faults":\#(faults)}"#) == "200 {}")
    }
    #expect(
      await mock.call("POST", "/hkt", form + "1").hasSuffix(
        "<status>ERR</status><reason>a &lt; b &amp; c</reason></response>"))
    #expect(await mock.call("POST", "/api/sms/a", #"{"phone":"1","text":"x"}"#) == #"200 {"error":"a < b & c"}"#)
    #expect(await mock.call("POST", "/hkt", form + "2") == "404 <p>gone</p>")
    guard case .response(200, let headers, let body, true) = await mock.send("POST", "/hkt", form + "3") else {
      Issue.record("not answered")
      return
    }
    #expect(headers.contains { $0 == ("content-type", "text/html; charset=Big5") })
    #expect(body == [0xC3, 0x42, 0xAB, 0xD7])
    #expect(try await mock.rows("provider=hkt").map(\.outcome) == ["error", "reply", "reply"])
    #expect(try await mock.stats()["hkt"]?.accepted == 0)
  }

  @Test("Providers have limits of their own")
  func named() async throws {
    let mock = try RunningMock("--provider", "a:1", "--provider", "b:0", "--violation-status", "503")
    let body = #"{"phone":"85291234567","text":"x"}"#
    #expect(await mock.call("POST", "/api/sms/a", body) == #"200 {"id":"mock-1","status":"accepted"}"#)
    #expect(await mock.call("POST", "/api/sms/a", body) == #"503 {"error":"limit exceeded"}"#)
    for _ in 1...5 { _ = await mock.call("POST", "/api/sms/b", body) }
    let stats = try await mock.stats()
    #expect(stats["a"]?.violations == 1)
    #expect(stats["b"]?.violations == 0)
    #expect(stats["b"]?.duplicates == 4)
    #expect(await mock.call("POST", "/api/sms/c", body).hasPrefix("404"))
  }

  @Test("Each kind of fault looks to a client as it should")
  func faults() async throws {
    let mock = try RunningMock("--provider", "a:0")
    let kinds = ["cut", "close_before_read", "read_and_close", "timeout", "garbage", "retry_after"]
    let rules = kinds.enumerated().map { #"{"suffix":"\#($0.offset)","kind":"\#($0.element)"}"# }
    let status = #"{"suffix":"9","kind":"status","status":503}"#
    let faults = (rules + [status]).joined(separator: ",")
    #expect(await mock.call("POST", "/behaviour", #"{"provider":"a","faults":[\#(faults)]}"#) == "200 {}")
    func send(_ digit: Int) async -> String {
      await mock.call(
        "POST", "/api/sms/a", #"{"phone":"8529123456\#(digit)","text":"x"}"#, timeout: .milliseconds(500))
    }
    #expect(await send(0).hasSuffix("(cut)"))
    #expect(await send(1) == "unknown connection")
    #expect(await send(2) == "unknown connection")
    #expect(await send(3) == "unknown timeout")
    #expect(await send(4).hasPrefix("200 <html>"))
    #expect(await send(5) == #"429 {"error":"slow down"}"#)
    #expect(await send(9) == #"503 {"error":"fault"}"#)
    #expect(await send(8).hasPrefix("200 {"))
    #expect(try await mock.rows().map(\.outcome) == kinds + ["status", "accepted"])
    #expect(try await mock.stats()["a"]?.accepted == 5)
  }

  @Test("Closing by percentage resets before the body is read")
  func percentage() async throws {
    let mock = try RunningMock("--provider", "a:0")
    _ = await mock.call(
      "POST", "/behaviour", #"{"provider":"a","faults":[{"percent":100,"kind":"close_before_read"}]}"#)
    #expect(await mock.call("POST", "/api/sms/a", #"{"phone":"1","text":"x"}"#).hasPrefix("unknown"))
    let row = try #require(await mock.rows().first)
    #expect(row.outcome == "close_before_read" && row.number.isEmpty && row.status == nil)
  }

  @Test("Latency delays the answer and blocks nobody else")
  func latency() async throws {
    let mock = try RunningMock("--provider", "slow:0", "--provider", "fast:0")
    _ = await mock.call("POST", "/behaviour", #"{"provider":"slow","latency_ms":300}"#)
    let body = #"{"phone":"1","text":"x"}"#
    let start = ContinuousClock.now
    await withTaskGroup(of: Void.self) { group in
      for _ in 1...50 { group.addTask { #expect(await mock.call("POST", "/api/sms/slow", body).hasPrefix("200")) } }
    }
    #expect(ContinuousClock.now - start >= .milliseconds(300))
    #expect(ContinuousClock.now - start < .seconds(5))
  }

  @Test("A reset forgets arrivals and behaviour, of one provider or of all")
  func reset() async throws {
    let mock = try RunningMock("--provider", "a:0", "--provider", "b:0")
    let body = #"{"phone":"1","text":"x"}"#
    let fault = #""faults":[{"suffix":"1","kind":"status","status":500}]"#
    for name in ["a", "b"] {
      _ = await mock.call("POST", "/behaviour", #"{"provider":"\#(name)",\#(fault)}"#)
      #expect(await mock.call("POST", "/api/sms/\(name)", body).hasPrefix("500"))
    }
    #expect(await mock.call("POST", "/reset", #"{"provider":"a"}"#) == "200 {}")
    #expect(await mock.call("POST", "/api/sms/a", body).hasPrefix("200"))
    #expect(try await mock.stats()["b"]?.arrivals == 1)
    #expect(await mock.call("POST", "/reset") == "200 {}")
    #expect(try await mock.rows().isEmpty)
    #expect(await mock.call("POST", "/api/sms/b", body).hasPrefix("200"))
  }

  @Test(
    "A wrong admin request is refused with the field's name",
    arguments: [
      ("POST", "/behaviour", "{}", "provider"), ("POST", "/behaviour", #"{"provider":"no"}"#, "provider"),
      ("POST", "/behaviour", #"{"provider":"hkt","rate":"x"}"#, "rate"),
      ("POST", "/behaviour", #"{"provider":"hkt","replies":"x"}"#, "replies"),
      (
        "POST", "/behaviour", #"{"provider":"hkt","faults":[{"percent":1,"kind":"cut","reason":"x"}]}"#,
        "faults[0].reason"
      ), ("POST", "/reset", #"{"all":1}"#, "all"),
      ("GET", "/arrivals?limit=0", "", "limit"), ("GET", "/arrivals?until=1", "", "until"),
      ("GET", "/arrivals?provider=no", "", "provider"),
    ])
  func wrong(method: String, path: String, body: String, field: String) async throws {
    let answer = await (try RunningMock()).call(method, path, body)
    #expect(answer.hasPrefix("400 "))
    #expect(answer.contains(#""field":"\#(field)""#))
  }
}
