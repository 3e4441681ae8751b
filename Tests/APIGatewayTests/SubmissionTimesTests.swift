import Contracts
import Testing

@testable import APIGateway

@Suite("Times to send and to expire")
struct SubmissionTimesTests {
  private let now = Timestamp(microseconds: 1_800_000_000_000_000)

  private func check(sendAt: Int? = nil, expiresAt: Int? = nil, validity: Int? = nil) -> (
    times: SubmissionTimes, problems: [String]
  ) {
    var draft = SubmissionDraft(
      form: .single, recipientName: "phone", recipients: ["91234567"], contentName: "text", content: "Hi")
    draft.sendAt = sendAt.map { now + .seconds($0) }
    draft.expiry = expiresAt.map { .time(now + .seconds($0)) } ?? validity.map { .seconds($0) }
    let (times, problems) = SubmissionTimes.check(draft, now: now)
    return (times, problems.map { "\($0.field): \($0.code)" })
  }

  private let year = 365 * 24 * 3600

  @Test("A time to send that has passed means at once")
  func past() {
    #expect(check(sendAt: -5).times == SubmissionTimes())
    #expect(check(sendAt: 0).times == SubmissionTimes())
    #expect(check(sendAt: -5).problems.isEmpty)
    #expect(check(sendAt: 5).times.sendAt == now + .seconds(5))
  }

  @Test("A message may be sent at most a year ahead")
  func farAhead() {
    #expect(check(sendAt: year).problems.isEmpty)
    #expect(check(sendAt: year + 1).problems == ["send_at: too_late"])
  }

  @Test("A message expires after now and after it is sent, within a year")
  func expiry() {
    #expect(check(expiresAt: 0).problems == ["expires_at: in_the_past"])
    #expect(check(expiresAt: 1).times.expiresAt == now + .seconds(1))
    #expect(check(sendAt: 60, expiresAt: 60).problems == ["expires_at: before_send_at"])
    #expect(check(sendAt: 60, expiresAt: 61).problems.isEmpty)
    #expect(check(sendAt: -60, expiresAt: 1).problems.isEmpty)
    #expect(check(expiresAt: year + 1).problems == ["expires_at: too_late"])
    #expect(check(sendAt: year, expiresAt: 2 * year).problems.isEmpty)
    #expect(check(sendAt: year + 9, expiresAt: 3 * year).problems == ["send_at: too_late", "expires_at: too_late"])
  }

  @Test("Validity counts from the time to send, or from now")
  func validity() {
    #expect(check(validity: 90).times.expiresAt == now + .seconds(90))
    #expect(check(sendAt: 60, validity: 90).times.expiresAt == now + .seconds(150))
    #expect(check(sendAt: -60, validity: 90).times.expiresAt == now + .seconds(90))
  }
}
