import PhoneNumbers
import Testing

@testable import APIGateway

@Suite("Submission check")
struct SubmissionCheckTests {
  private let check = SubmissionCheck(parser: PhoneNumberParser(defaultRegion: "HK", check: .possible))

  private func draft(_ recipients: [String], _ content: String = "Hi") -> SubmissionDraft {
    SubmissionDraft(
      form: .bulk, recipientName: "recipients", recipients: recipients, contentName: "content", content: content)
  }

  private func error(_ draft: SubmissionDraft) -> APIError? {
    do {
      _ = try check.check(draft)
      return nil
    } catch {
      return error as? APIError
    }
  }

  @Test("Numbers become E.164 and repeats are sent once and reported")
  func duplicates() throws {
    let submission = try check.check(draft(["9123 4567", "+852 9123 4567", "+44 7911 123456", "91234567"]))
    #expect(submission.recipients == ["+85291234567", "+447911123456"])
    #expect(submission.duplicates == ["+85291234567", "+85291234567"])
    #expect(submission.rejected.isEmpty)
  }

  @Test("Every bad number is listed by its index, and none is accepted")
  func invalid() throws {
    let found = error(draft(["91234567", "hello", "", "91234568", String(repeating: "1", count: 100)]))
    #expect(found?.code == .invalidRecipients)
    #expect(found?.details.map(\.field) == ["recipients[1]", "recipients[2]", "recipients[4]"])
  }

  @Test("Bad numbers can be skipped, but not all of them")
  func skipping() throws {
    var some = draft(["hello", "91234567"])
    some.onInvalid = .skip
    let submission = try check.check(some)
    #expect(submission.recipients == ["+85291234567"])
    #expect(submission.rejected.map(\.index) == [0])
    #expect(submission.rejected.map(\.phone) == ["hello"])
    var none = draft(["hello"])
    none.onInvalid = .skip
    #expect(error(none)?.code == .invalidRecipients)
  }

  @Test("A request of more than ten recipients is bulk unless it says otherwise")
  func messageClass() throws {
    let numbers = (60...70).map { "912345\($0)" }
    #expect(try check.check(draft(Array(numbers.prefix(10)))).messageClass == .normal)
    #expect(try check.check(draft(numbers + numbers)).messageClass == .bulk)
    var urgent = draft(numbers)
    urgent.messageClass = .urgent
    #expect(try check.check(urgent).messageClass == .urgent)
  }

  @Test("Texts are limited in characters and segments")
  func content() throws {
    #expect(error(draft(["91234567"], ""))?.details.map(\.code) == ["empty"])
    #expect(error(draft(["91234567"], String(repeating: "a", count: 1_601)))?.details.map(\.code) == ["too_long"])
    #expect(error(draft(["91234567"], String(repeating: "a", count: 1_530))) == nil)
    #expect(error(draft(["91234567"], String(repeating: "a", count: 1_531)))?.details.map(\.code) == ["too_long"])
    #expect(error(draft(["91234567"], String(repeating: "中", count: 671)))?.details.map(\.code) == ["too_long"])
    #expect(error(draft(["91234567"], "a\u{0}b"))?.details.map(\.code) == ["invalid_character"])
  }

  @Test("The number of recipients and the reference are limited")
  func limits() throws {
    #expect(error(draft([]))?.details.map(\.code) == ["empty"])
    #expect(error(draft(Array(repeating: "91234567", count: 10_001)))?.details.map(\.code) == ["too_many"])
    var long = draft(["91234567"])
    long.reference = String(repeating: "r", count: 256)
    #expect(error(long)?.details.map(\.field) == ["reference"])
  }
}
