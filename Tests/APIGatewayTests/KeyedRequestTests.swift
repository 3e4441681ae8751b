import Contracts
import Testing

@testable import APIGateway

@Suite("Requests with an idempotency key")
struct KeyedRequestTests {
  private let user = UserID.timeOrdered()
  private let now = Timestamp.now()

  private func draft(_ change: (inout SubmissionDraft) -> Void = { _ in }) -> SubmissionDraft {
    var draft = SubmissionDraft(
      form: .single, recipientName: "phone", recipients: ["91234567"], contentName: "text", content: "Hi")
    change(&draft)
    return draft
  }

  private func request(_ key: String = "k", _ draft: SubmissionDraft, user: UserID? = nil) -> KeyedRequest {
    KeyedRequest(userID: user ?? self.user, key: IdempotencyKey(key), body: CanonicalBody(draft))
  }

  @Test("Every difference in what is asked for is another body, and a member's other name is none")
  func bodies() {
    let drafts = [
      draft(), draft { $0.form = .bulk }, draft { $0.recipients = ["91234568"] },
      draft { $0.recipients = ["9123", "4567"] },
      draft { $0.content = "Ho" }, draft { $0.messageClass = .normal }, draft { $0.messageClass = .urgent },
      draft { $0.reference = "r" }, draft { $0.reference = "" }, draft { $0.onInvalid = .skip },
      draft { $0.sendAt = now }, draft { $0.expiry = .time(now) }, draft { $0.expiry = .seconds(60) },
      draft {
        $0.expiry = .seconds(60); $0.rejectsLate = true
      }, draft { $0.provider = "provider1" },
    ]
    #expect(Set(drafts.map { CanonicalBody($0).bytes }).count == drafts.count)
    let renamed = draft {
      $0.recipientName = "recipient"; $0.contentName = "content"
    }
    #expect(CanonicalBody(renamed) == CanonicalBody(draft()))
  }

  @Test("The same user, key and body make the same id, and nothing else does")
  func ids() {
    let first = request("k", draft())
    #expect(first.messageID.isDerived)
    #expect(request("k", draft()).messageID == first.messageID)
    let others = [
      request("l", draft()), request("k", draft { $0.content = "Ho" }), request("k", draft(), user: .timeOrdered()),
    ]
    #expect(Set(others.map(\.messageID) + [first.messageID]).count == 4)
    // Known versions keep their ids: a repeat may come after an upgrade.
    let fixed = KeyedRequest(
      userID: UserID("0192aaaa-0000-7000-8000-000000000000") ?? user, key: IdempotencyKey("k"),
      body: CanonicalBody(draft()))
    #expect(fixed.messageID.description == "ba9de736-2259-828b-a090-3f2847f03052")
  }

  @Test("A stored answer is opened by its own request alone, and shows nothing")
  func sealing() throws {
    let answer = Array("secret text".utf8)
    let sealed = try request("k", draft()).seal(answer)
    #expect(try request("k", draft()).open(sealed) == answer)
    #expect(!String(decoding: sealed, as: UTF8.self).contains("secret"))
    #expect(throws: (any Error).self) { try request("l", draft()).open(sealed) }
    #expect(throws: (any Error).self) { try request("k", draft { $0.content = "Ho" }).open(sealed) }
  }

  @Test("Another body is refused, an answer is given again, a claim is waited for and its owner publishes")
  func claims() {
    func claim(_ body: [UInt8] = [1], answer: KeyRecord.Answer? = nil, isClaimed: Bool = false, left: Double = 3)
      -> KeyClaim
    {
      KeyClaim(
        KeyRecord(isClaimed: isClaimed, bodyHash: body, acceptedAt: now, answer: answer, secondsLeft: left),
        bodyHash: [1])
    }
    let answer = KeyRecord.Answer(status: 202, bytes: [7])
    #expect(claim([2]) == .refuse)
    #expect(claim([2], answer: answer) == .refuse)
    #expect(claim(answer: answer) == .replay(answer))
    #expect(claim(isClaimed: true) == .publish(acceptedAt: now))
    #expect(claim(left: 2.1) == .wait(seconds: 3))
    #expect(claim(left: -1) == .wait(seconds: 1))
    #expect(claim(left: 1e9) == .wait(seconds: 5))
  }
}
