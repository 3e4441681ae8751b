import ArgumentParser
import Testing

@testable import CommandLineClient
@testable import JSONHTTP

@Suite("Patience")
struct PatienceTests {
  private let now = ContinuousClock.now

  private func answer(_ status: Int, retryAfter: String? = nil, _ body: String = "") -> JSONClient.Answer {
    .init(status: status, headers: retryAfter.map { ["retry-after": $0] } ?? [:], body: Array(body.utf8))
  }

  private func pause(_ answer: JSONClient.Answer, left: Duration = .seconds(30)) -> Duration? {
    Patience(deadline: now + left).pause(after: answer, now: now)
  }

  @Test("What passes is asked again after the gateway's pause, or a second")
  func passing() {
    #expect(pause(answer(503, retryAfter: "7")) == .seconds(7))
    #expect(pause(answer(503, retryAfter: "30")) == .seconds(30))
    #expect(pause(answer(429)) == .seconds(1))
    #expect(pause(answer(503, retryAfter: "0")) == .seconds(1))
    #expect(pause(answer(409, retryAfter: "2", #"{"error":{"code":"IDEMPOTENCY_IN_FLIGHT"}}"#)) == .seconds(2))
    #expect(Patience(deadline: now + .seconds(1)).pauseAfterSilence(now: now) == .seconds(1))
  }

  @Test("A pause that ends behind the deadline is not begun", arguments: ["31", "86400", "9223372036854775807"])
  func late(_ retryAfter: String) {
    #expect(pause(answer(503, retryAfter: retryAfter)) == nil)
    #expect(pause(answer(429, retryAfter: retryAfter)) == nil)
    #expect(Patience(deadline: now).pauseAfterSilence(now: now) == nil)
  }

  @Test("What a repeat would not change is the last answer", arguments: [200, 202, 400, 401, 404, 409, 422, 500])
  func final(_ status: Int) {
    #expect(pause(answer(status)) == nil)
  }

  @Test("The SMS of the day being used up is a refusal, another limit passes")
  func dailyLimit() {
    let used = answer(
      429, retryAfter: "1", #"{"error":{"code":"RATE_LIMITED","details":[{"field":"daily_limit","message":"3"}]}}"#)
    #expect(pause(used) == nil)
    #expect(ExitCode.of(used) == .refused)
    #expect(ExitCode.of(answer(429)) == .unavailable)
  }
}
