import Testing

@testable import MockProvider

@Suite struct RequestParsingTests {
  @Test("A form is decoded as percent-encoded UTF-8")
  func form() throws {
    let form = try Form(Array("a=1+2&msg_utf8=%E4%BD%A0%e5%a5%bd&empty=&flag&a=second".utf8))
    #expect(form["a"] == "1 2")
    #expect(form["msg_utf8"] == "你好")
    #expect(form["empty"] == "")
    #expect(form["flag"] == "")
    #expect(form["none"] == nil)
    #expect(throws: FieldError.self) { try Form(Array("a=%E4%BD".utf8)) }
    #expect(throws: FieldError.self) { try Form(Array("a=%zz".utf8)) }
  }

  @Test("A message without a field names it", arguments: ["application", "sender", "mrt", "msg_utf8"])
  func missing(field: String) {
    let body = ["application", "sender", "mrt", "msg_utf8"].filter { $0 != field }.map { $0 + "=1" }
    #expect(throws: FieldError(field, "is missing")) {
      try Dialect.hkt.message(in: Array(body.joined(separator: "&").utf8))
    }
  }

  @Test("A behaviour is read with its faults; what is not given is as at the start")
  func behaviour() throws {
    let body = #"""
      {"provider":"a","latency_ms":20,"faults":[{"suffix":"99","kind":"status","status":503,"times":2},
       {"percent":2.5,"kind":"retry_after","retry_after_s":4}]}
      """#
    let behaviour = try Behaviour(JSONObject(Array(body.utf8)), standard: Behaviour(rate: 7))
    #expect(behaviour.rate == 7)
    #expect(behaviour.latencyMs == 20)
    #expect(
      behaviour.faults == [
        Fault(trigger: .suffix("99"), effect: .status(503), times: 2),
        Fault(trigger: .percent(2.5), effect: .retryAfter(seconds: 4)),
      ])
  }

  @Test(
    "An error names the field",
    arguments: [
      (#"[]"#, ""), (#"{"#, ""), (#"{"speed":1}"#, "speed"), (#"{"rate":-1}"#, "rate"), (#"{"rate":1.5}"#, "rate"),
      (#"{"rate":"1"}"#, "rate"), (#"{"window_s":0}"#, "window_s"), (#"{"faults":{}}"#, "faults"),
      (#"{"faults":[1]}"#, "faults[0]"), (#"{"faults":[{"kind":"cut"}]}"#, "faults[0].suffix"),
      (#"{"faults":[{"suffix":"x","kind":"cut"}]}"#, "faults[0].suffix"),
      (#"{"faults":[{"suffix":"1","percent":1,"kind":"cut"}]}"#, "faults[0].percent"),
      (#"{"faults":[{"suffix":"1"}]}"#, "faults[0].kind"),
      (#"{"faults":[{"suffix":"1","kind":"no"}]}"#, "faults[0].kind"),
      (#"{"faults":[{"suffix":"1","kind":"status"}]}"#, "faults[0].status"),
      (#"{"faults":[{"suffix":"1","kind":"cut","status":500}]}"#, "faults[0].status"),
      (#"{"faults":[{"percent":60,"kind":"cut"},{"percent":60,"kind":"cut"}]}"#, "faults"),
    ])
  func errors(body: String, field: String) {
    do {
      _ = try Behaviour(JSONObject(Array(body.utf8)), standard: Behaviour(rate: 1))
      Issue.record("accepted")
    } catch {
      #expect(error.field == field)
    }
  }

  @Test("A provider on the command line may have a rate and a window")
  func argument() {
    #expect(ProviderArgument(argument: "hkt") == ProviderArgument(name: "hkt", rate: 2))
    #expect(ProviderArgument(argument: "b-1") == ProviderArgument(name: "b-1", rate: 50))
    #expect(ProviderArgument(argument: "b:0:2.5") == ProviderArgument(name: "b", rate: 0, windowS: 2.5))
    for bad in ["", "A", "a:x", "a:-1", "a:1:0", "a:1:1:1", "a/b"] { #expect(ProviderArgument(argument: bad) == nil) }
  }

  @Test("Paths lead to providers by both dialects")
  func routes() {
    func isMessage(_ path: Substring, _ name: String, _ dialect: Dialect) -> Bool {
      Route(method: "POST", path: path) == .message(provider: name, dialect)
    }
    #expect(isMessage("/hkt", "hkt", .hkt))
    #expect(isMessage("/gateway/gateway.jsp", "hkt", .hkt))
    #expect(isMessage("/other/gateway.jsp", "other", .hkt))
    #expect(isMessage("/api/sms/provider1", "provider1", .json))
    #expect(Route(method: "GET", path: "/hkt") == .wrongMethod)
    #expect(Route(method: "GET", path: "/nothing") == .unknown)
  }
}
