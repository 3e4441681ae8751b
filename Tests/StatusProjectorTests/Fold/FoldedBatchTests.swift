import Contracts
import TestSupport
import Testing

@testable import StatusProjector

@Suite struct FoldedBatchTests {
  private func fold(_ facts: [LoggedFact]) -> FoldedBatch {
    var batch = FoldedBatch(queueEpoch: -1)
    for fact in facts { batch.apply(fact) }
    return batch
  }

  @Test("A log in any order and with any repeats folds to the same batch", arguments: 0..<40)
  func anyOrder(seed: UInt64) throws {
    let facts = try RecordedLog(messages: 8, seed: seed).lines.map { try $0.logged }
    let straight = fold(facts)
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<25 {
      #expect(fold(facts.disturbed(using: &generator)) == straight)
    }
  }

  @Test("Every unit ends in the state that the log gives it")
  func finalStates() throws {
    let log = try RecordedLog(messages: 200, seed: 7)
    var generator = SeededGenerator(seed: 1)
    let batch = fold(try log.lines.map { try $0.logged }.disturbed(using: &generator))
    #expect(batch.states == log.finalStates)
    #expect(batch.units.values.allSatisfy { $0.phone != nil })
  }

  @Test("A late answer replaces an unknown outcome, whichever comes first")
  func lateAnswer() throws {
    let attempt = AttemptID(messageID: .timeOrdered(), index: 0, dispatch: 0)
    let time = Timestamp(microseconds: 5)
    let unknown = UnitChange(
      attempt: attempt, state: .pending, dispatch: 1, attemptsUsed: 1, provider: "a", outcome: .unknown,
      finishedAt: time)
    let answer = UnitChange(
      attempt: attempt, state: .sent, dispatch: 0, attemptsUsed: 1, provider: "a", outcome: .accepted, finishedAt: time)
    for changes in [[unknown, answer], [answer, unknown]] {
      var batch = FoldedBatch(queueEpoch: -1)
      batch.apply(LoggedFact(at: time, fact: .changed(UnitsChanged(units: changes))))
      #expect(batch.attempts[attempt]?.result?.outcome == .accepted)
      #expect(batch.units[attempt.unit]?.state.state == .pending)
    }
  }

  @Test("Of a message that was accepted twice the first acceptance counts, whichever comes first")
  func acceptedTwice() {
    let id = MessageID.derived(from: [[1]])
    let user = UserID.timeOrdered()
    let accepted = [5, 9].map { (time: Int64) in
      MessageAccepted(
        messageID: id, userID: user, messageClass: .normal, content: "Hi", recipients: ["+85291234567"], segments: 1,
        encoding: "gsm7", acceptedAt: Timestamp(microseconds: time))
    }
    for order in [accepted, accepted.reversed()] {
      let batch = fold(order.map { LoggedFact(at: $0.acceptedAt, fact: .accepted($0)) })
      #expect(batch.messages[id]?.request?.acceptedAt == Timestamp(microseconds: 5))
    }
  }

  @Test("A unit that is cancelled before it was dispatched has no attempt")
  func noAttempt() throws {
    let attempt = AttemptID(messageID: .timeOrdered(), index: 3, dispatch: 0)
    let time = Timestamp(microseconds: 5)
    var batch = FoldedBatch(queueEpoch: -1)
    batch.apply(
      LoggedFact(
        at: time,
        fact: .changed(
          UnitsChanged(units: [
            UnitChange(
              attempt: attempt, state: .cancelled, dispatch: 0, attemptsUsed: 0, provider: nil, finishedAt: time)
          ]))))
    #expect(batch.attempts.isEmpty)
    #expect(batch.messages.isEmpty)
    #expect(batch.units[attempt.unit]?.state.state == .cancelled)
  }

  @Test("An attempt ends without an outcome where its unit goes on to the next one, and not where it is queued again")
  func endWithoutOutcome() {
    let attempt = AttemptID(messageID: .timeOrdered(), index: 0, dispatch: 1)
    func fold(_ state: UnitState, dispatch: Int) -> FoldedBatch {
      var batch = FoldedBatch(queueEpoch: -1)
      let change = UnitChange(
        attempt: attempt, state: state, dispatch: dispatch, attemptsUsed: 0, provider: nil,
        finishedAt: Timestamp(microseconds: 5))
      batch.apply(LoggedFact(at: change.finishedAt, fact: .changed(UnitsChanged(units: [change]))))
      return batch
    }
    // A lease that ran out, of a message that goes on and of one that was cancelled.
    #expect(fold(.pending, dispatch: 2).attempts[attempt]?.result?.finishedAt == Timestamp(microseconds: 5))
    #expect(fold(.cancelled, dispatch: 2).attempts[attempt]?.result?.finishedAt == Timestamp(microseconds: 5))
    // What failed is sent again: this attempt is still to come.
    #expect(fold(.pending, dispatch: 1).attempts.isEmpty)
  }

  @Test("The time of the log is that of its newest fact")
  func logTime() {
    var batch = FoldedBatch(queueEpoch: -1)
    for time in [3, 9, 4] { batch.apply(LoggedFact(at: Timestamp(microseconds: Int64(time)), fact: .other)) }
    #expect(batch.logTime == Timestamp(microseconds: 9))
  }

  @Test("U+0000, which PostgreSQL cannot store, is replaced")
  func zeroBytes() {
    let attempt = AttemptID(messageID: .timeOrdered(), index: 0, dispatch: 0)
    var batch = FoldedBatch(queueEpoch: -1)
    batch.apply(
      LoggedFact(
        at: Timestamp(microseconds: 1),
        fact: .changed(
          UnitsChanged(units: [
            UnitChange(
              attempt: attempt, state: .sent, dispatch: 0, attemptsUsed: 0, provider: "a", outcome: .accepted,
              reply: ProviderReply(status: 200, body: "a\0b"), finishedAt: Timestamp(microseconds: 1))
          ]))))
    #expect(batch.attempts[attempt]?.result?.reply?.body == "a\u{FFFD}b")
    #expect(batch.messages[attempt.messageID]?.lastReply?.body == "a\u{FFFD}b")
  }
}
