import Contracts
import Foundation
import ServiceKit
import Testing

@Suite("A providers file")
struct ProvidersFileTests {
  private func problems(_ text: String, _ environment: [String: String] = [:]) -> [String] {
    do {
      _ = try ProvidersFile.parse(text, environment: environment)
      return []
    } catch let error as ConfigurationError {
      return error.problems.map { "\($0.key): \($0.message)" }
    } catch {
      return ["unexpected \(error)"]
    }
  }

  private func provider(_ lines: String) -> String {
    "providers:\n  - name: a\n    adapter: json\n    url: http://h/x\n    rate: 5\n"
      + lines.split(separator: "\n").map { "    \($0)\n" }.joined()
  }

  @Test("with every key is read as it is written")
  func everyKey() throws {
    let file = try ProvidersFile.parse(
      """
      global: { rate: 120.5 }
      providers:
        - name: provider1
          adapter: json
          url: http://127.0.0.1:8071/api/sms/provider1
          rate: 5
          window_s: 2
          weight: 1.5
          meter_unit: segment
          pacing: strict
          connect_timeout_ms: 1000
          timeout_ms: 20000
          number_format: e164
          on_unknown: { urgent: hold, normal: resend, bulk: hold }
          on_rejected: keep
          health: { window_s: 60, failure_rate: 0.5, min_samples: 4, cooldown_s: 30 }
          retry: { max_attempts: 3, base_s: 0.5, cap_s: 10 }
          replies:
            - { status: 200, body: "(?i)quota|too many", outcome: throttled }
            - { body: "^ERR", outcome: rejected }
            - { xml: "response/reason", value: "(?i)later", outcome: retryable }
            - { json: "errors[0].code", outcome: unknown }
          proxy: "http://user:secret@127.0.0.1:3128"
      """, environment: [:])
    #expect(file.globalRate == 120.5)
    let provider = try #require(file["provider1"])
    #expect(provider.adapter == .json)
    #expect(provider.limit == ProviderRate(count: 5, window: .seconds(2)))
    #expect(provider.limit.rate == 2.5)
    #expect(provider.weight == 1.5)
    #expect(provider.meterUnit == .segment)
    #expect(provider.pacing == .strict)
    #expect(provider.connectTimeout == .seconds(1))
    #expect(provider.timeout == .seconds(20))
    #expect(provider.numberFormat == .e164)
    #expect(provider.onUnknown == [.urgent: .hold, .normal: .resend, .bulk: .hold])
    #expect(provider.onRejected == .keep)
    #expect(
      provider.health
        == HealthPolicy(window: .seconds(60), failureRate: 0.5, minSamples: 4, cooldown: .seconds(30)))
    #expect(provider.retry == RetryPolicy(maxAttempts: 3, base: .milliseconds(500), cap: .seconds(10)))
    #expect(provider.replies.map(\.outcome) == [.throttled, .rejected, .retryable, .unknown])
    #expect(provider.replies[2].place == .xml(ReplyPath(components: ["response", "reason"])))
    #expect(provider.replies[2].value == "(?i)later")
    #expect(provider.replies[3].place == .json(ReplyPath(components: ["errors", "0", "code"], isAbsolute: true)))
    #expect(provider.proxy == "http://user:secret@127.0.0.1:3128")
    #expect(provider.replies[0].match(status: 200, body: "Too Many") != nil)
    #expect(provider.replies[0].match(status: 500, body: "Too Many") == nil)
    #expect(provider.replies[1].match(status: 500, body: "ERR 5") != nil)
  }

  @Test("with the least has the documented defaults")
  func defaults() throws {
    let file = try ProvidersFile.parse(provider(""), environment: [:])
    #expect(file.globalRate == 200)
    var expected = ProviderSettings(name: "a", adapter: .json, url: "http://h/x", limit: ProviderRate(count: 5))
    expected.numberFormat = .digits
    #expect(file.providers == [expected])
    #expect(expected.onUnknown == [.urgent: .resend, .normal: .hold, .bulk: .hold])
    #expect(expected.timeout == .seconds(30))
    #expect(expected.onRejected == .fail)
  }

  @Test("may lift the global limit with a null, and only so")
  func globalRate() throws {
    #expect(try ProvidersFile.parse("global: { rate: null }\n" + provider(""), environment: [:]).globalRate == nil)
    #expect(problems("global: { rate: 0 }\n" + provider("")) == ["global.rate: must be a number above 0"])
  }

  @Test("with unknown keys is refused with each key's path")
  func unknownKeys() {
    let text =
      "colours: 1\n" + provider("colour: red\nhealth: { min: 3 }\nreplies: [{ status: 200, outcome: accepted, x: 1 }]")
    #expect(
      problems(text) == [
        "providers[0].health.min: is not a known key", "providers[0].replies[0].x: is not a known key",
        "providers[0].colour: is not a known key", "colours: is not a known key",
      ])
  }

  @Test(
    "with a bad value is refused with the key's path",
    arguments: [
      ("pacing: loose", "providers[0].pacing: must be one of sliding, strict"),
      ("weight: 0", "providers[0].weight: must be a number above 0"),
      ("window_s: x", "providers[0].window_s: must be a number of seconds from 0.1 to 86400.0"),
      ("timeout_ms: 1.5", "providers[0].timeout_ms: must be a whole number from 1 to 600000"),
      ("health: 3", "providers[0].health: must be a mapping of keys to values"),
      ("replies: {}", "providers[0].replies: must be a list"),
      (
        "replies: [{ outcome: accepted }]",
        "providers[0].replies[0].status: a rule needs a status, a body, xml or json, or several of them"
      ),
      (
        "replies: [{ body: \"(\", outcome: accepted }]",
        "providers[0].replies[0].body: is not a valid regular expression"
      ),
      (
        "replies: [{ status: 200, outcome: lost }]",
        "providers[0].replies[0].outcome: must be one of accepted, rejected, retryable, throttled, refused_credentials, unknown"
      ),
      ("application: x", "providers[0].application: is only for the adapter hkt"),
      ("hkt_strict: true", "providers[0].hkt_strict: is only for the adapter hkt"),
      (
        "replies: [{ xml: a, json: b, outcome: unknown }]",
        "providers[0].replies[0].json: cannot be given together with xml"
      ),
      (
        "replies: [{ xml: \"a//b\", outcome: unknown }]",
        "providers[0].replies[0].xml: must be a path such as response/status or result/@code"
      ),
      (
        "replies: [{ json: \"a..b\", outcome: unknown }]",
        "providers[0].replies[0].json: must be a path such as error.code or results[0].status"
      ),
      (
        "replies: [{ status: 200, value: x, outcome: unknown }]",
        "providers[0].replies[0].value: needs xml or json, a path to the value"
      ),
      (
        "replies: [{ json: a, value: \"(\", outcome: unknown }]",
        "providers[0].replies[0].value: is not a valid regular expression"
      ),
      ("proxy: \"https://h:1\"", "providers[0].proxy: must be http://host:port or http://user:password@host:port"),
      (
        "proxy: \"http://u:secret@h\"", "providers[0].proxy: must be http://host:port or http://user:password@host:port"
      ),
    ])
  func badValues(line: String, expected: String) {
    #expect(problems(provider(line)) == [expected])
  }

  @Test(
    "refuses names that are routes, UUIDs or not made of a-z, 0-9 and -",
    arguments: [
      "send", "send-bulk", "estimate", "requests", "providers", "health", "rate-limits", "distribution-stats", "queue",
      "status", "Provider", "a_b", "7d1f6b5e-1a0a-4f0e-9a55-0c6f0a1b2c3d",
    ])
  func badNames(name: String) {
    let text = "providers: [{ name: \(name), adapter: json, url: \"http://h/x\", rate: 5 }]"
    #expect(problems(text).first?.hasPrefix("providers[0].name: ") == true)
  }

  @Test("refuses two providers of one name, an empty list and a rate of nothing")
  func structure() {
    let one = "{ name: a, adapter: json, url: \"http://h/x\", rate: 5 }"
    #expect(problems("providers: [\(one), \(one)]") == ["providers[1].name: is the name of another provider too"])
    #expect(problems("providers: []") == ["providers: must list at least one provider"])
    #expect(
      problems("providers: [{ name: a, adapter: json, url: \"http://h/x\", rate: 0 }]")
        == ["providers[0].rate: must be a whole number from 1 to 100000"])
    #expect(
      problems("providers: [{ name: a }]") == [
        "providers[0].adapter: is missing", "providers[0].rate: is missing", "providers[0].url: is missing",
      ])
  }

  @Test("that is no YAML says where it goes wrong")
  func invalidYAML() {
    #expect(problems("providers: [").first?.contains("line") == true)
    #expect(problems("a: 1\na: 2") == ["file: is not valid YAML: the key a stands there twice"])
  }

  @Test("takes HKT's credentials and address from the file or from the environment")
  func hkt() throws {
    let text = "providers: [{ name: hkt, adapter: hkt, rate: 2 }]"
    #expect(
      problems(text) == [
        "providers[0].url: is missing, and SMS_BASE_URL is not set",
        "providers[0].application: is missing, and SMS_APPLICATION_ID is not set",
        "providers[0].sender_number: is missing, and SMS_SENDER_NUMBER is not set",
      ])
    let environment = [
      "SMS_BASE_URL": "https://h/gateway.jsp", "SMS_APPLICATION_ID": "app", "SMS_SENDER_NUMBER": "852123",
    ]
    let provider = try #require(ProvidersFile.parse(text, environment: environment)["hkt"])
    #expect(provider.url == "https://h/gateway.jsp")
    #expect(provider.application == "app")
    #expect(provider.senderNumber == "852123")
    let own = text.replacing("rate: 2", with: "rate: 2, application: mine, sender_number: '1', url: 'http://x/'")
    let other = try #require(ProvidersFile.parse(own, environment: environment)["hkt"])
    #expect([other.application, other.senderNumber, other.url] == ["mine", "1", "http://x/"])
  }

  @Test("resolves references to variables and files, and names those it cannot resolve")
  func references() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
    try "s3cret\n".write(toFile: path, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }  // A left-over of a test harms nobody.
    let text = """
      providers:
        - { name: hkt, adapter: hkt, rate: "${RATE:-2}", url: "http://${HOST}/x", application: "file:\(path)",
            sender_number: "${NOBODY:-852}" }
      """
    let provider = try #require(ProvidersFile.parse(text, environment: ["HOST": "h:1"])["hkt"])
    #expect(provider.limit.count == 2)
    #expect(provider.url == "http://h:1/x")
    #expect(provider.application == "s3cret")
    #expect(provider.senderNumber == "852")
    #expect(problems(text) == ["providers[0].url: the variable HOST is not set"])
    #expect(
      problems(text.replacing(path, with: "/nonexistent/x"), ["HOST": "h"])
        == ["providers[0].application: the file /nonexistent/x cannot be read"])
  }

  @Test("refuses a variable that ends like a line of Windows, by the key that would take it")
  func lineEnds() throws {
    let text = "providers: [{ name: a, adapter: json, url: \"${X}\", rate: 1 }]"
    let why = "the variable X holds a line end (U+000D): is it from a file with Windows line ends?"
    #expect(problems(text, ["X": "http://h/x\r"]) == ["providers[0].url: \(why)"])
    #expect(
      problems(text, ["X": "http://h/\u{7}"]) == ["providers[0].url: the variable X holds a control character (U+0007)"]
    )
    let hkt = "providers: [{ name: hkt, adapter: hkt, rate: 1, url: \"http://h/\", sender_number: '1' }]"
    #expect(
      problems(hkt, ["SMS_APPLICATION_ID": "app\r\n"]) == [
        "providers[0].application: the variable SMS_APPLICATION_ID \(why.dropFirst("the variable X ".count))"
      ])
  }

  @Test("shows a URL without user, password and query")
  func publicURL() throws {
    let file = try ProvidersFile.parse(
      "providers: [{ name: a, adapter: json, url: \"https://u:p@h:8/x?key=k\", rate: 1 }]", environment: [:])
    #expect(file.providers[0].publicURL == "https://h:8/x")
  }

  @Test(
    "writes numbers as the provider wants them",
    arguments: [
      ("+85291234567", "85291234567", "91234567"), ("+14155550123", "14155550123", "4155550123"),
      ("+447700900123", "447700900123", "7700900123"), ("+8613800138000", "8613800138000", "13800138000"),
    ])
  func numberFormats(e164: String, digits: String, national: String) {
    #expect(RecipientFormat.e164.text(of: e164) == e164)
    #expect(RecipientFormat.digits.text(of: e164) == digits)
    #expect(RecipientFormat.national.text(of: e164) == national)
  }
}
