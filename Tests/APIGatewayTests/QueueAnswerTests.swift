import Contracts
import Metering
import Testing

@testable import APIGateway

@Suite("Queue numbers")
struct QueueAnswerTests {
  private let user = UserID.timeOrdered()
  private let now = Timestamp.now()
  private var flow: FlowKey { FlowKey(messageClass: .normal, userID: user) }

  /// One provider at 2/s and one flow of the user's with this backlog.
  private func heads(backlog: Int, head: Int64 = 0, state: String = "healthy", rate: Double = 2) -> QueueChanged {
    QueueChanged(
      asOf: now, isComplete: true, epoch: 1, virtualTime: 0,
      classes: [ClassHead(messageClass: .normal, tag: 0, backlog: backlog, virtualTime: 0)],
      flows: [
        FlowHead(
          flowID: 1, messageClass: .normal, userID: user, provider: nil, tag: 0, step: 1 << 24, backlog: backlog,
          headNumber: head)
      ],
      providers: [ProviderPace(provider: "hkt", effectiveRate: rate, nominalRate: 2, state: state, inFlight: 0)],
      globalRate: nil, isSending: true)
  }

  private func snapshot(_ heads: QueueChanged) -> QueueSnapshot {
    var snapshot = QueueSnapshot()
    snapshot.apply(heads)
    return snapshot
  }

  private func outlook(_ heads: QueueChanged) -> QueueOutlook { QueueOutlook(snapshot(heads)) }

  private func row(total: Int, firstNumber: Int64?, dispatched: Int, counts: UnitCounts) -> MessageRow {
    MessageRow(
      messageID: .timeOrdered(), userID: user, messageClass: .normal, content: "Hi", reference: nil, provider: nil,
      segments: 1, recipientCount: total, firstPhone: nil, acceptedAt: now, sendAt: nil, expiresAt: nil,
      firstNumber: firstNumber,
      dispatched: dispatched, counts: counts, jobStatus: counts.jobStatus, isPaused: false, sentAt: nil,
      completedAt: nil, lastReplyBody: nil)
  }

  private func counts(pending: Int = 0, sending: Int = 0, retrying: Int = 0, sent: Int = 0) -> UnitCounts {
    var counts = UnitCounts()
    counts.pending = pending
    counts.sending = sending
    counts.retrying = retrying
    counts.sent = sent
    return counts
  }

  @Test("Before any heads nothing is said")
  func unknown() {
    #expect(QueueView().accept(message(count: 1), now: now) == .unknown)
  }

  @Test("What is accepted stands behind what was accepted before")
  func accepting() {
    let view = QueueView()
    view.apply(heads(backlog: 101))
    let first = view.accept(message(count: 3), now: now)
    #expect(first.position == 101)
    #expect(first.start?.middle == now + .seconds(50.5))
    #expect(first.complete?.middle == now + .seconds(51.5))
    #expect(view.accept(message(count: 1), now: now).position == 104)
  }

  @Test("What goes later goes at its time at the earliest, and nobody waits behind it")
  func scheduled() {
    let view = QueueView()
    view.apply(heads(backlog: 100))
    let later = view.accept(message(count: 3, sendAt: now + .seconds(600)), now: now)
    #expect(later.start?.middle == now + .seconds(600))
    #expect(later.start?.low == now + .seconds(600))
    #expect(later.complete?.middle == now + .seconds(601))
    #expect(later.complete?.low == now + .seconds(600))
    let soon = view.accept(message(count: 1, sendAt: now + .seconds(20)), now: now)
    #expect(soon.position == nil)
    #expect(soon.start?.middle == now + .seconds(50))

    var stored = row(total: 1, firstNumber: 5, dispatched: 0, counts: counts(pending: 1))
    stored.sendAt = now + .seconds(600)
    let outlook = QueueOutlook(view.snapshot)
    let placement = stored.placement(in: outlook, now: now)
    #expect(stored.estimated(placement, in: outlook, now: now).start?.middle == now + .seconds(600))
    stored.isPaused = true
    #expect(stored.estimated(placement, in: outlook, now: now) == .unknown)
  }

  private func message(count: Int, sendAt: Timestamp? = nil) -> MessageAccepted {
    MessageAccepted(
      messageID: .timeOrdered(), userID: user, messageClass: .normal, content: "Hi",
      recipients: (0..<count).map { "+8529123450\($0)" }, segments: 1, encoding: "gsm7", sendAt: sendAt,
      acceptedAt: now)
  }

  @Test("A stored message stands where its next pending SMS does")
  func stored() {
    let outlook = outlook(heads(backlog: 40, head: 100))
    #expect(
      row(total: 10, firstNumber: 120, dispatched: 0, counts: counts(pending: 10)).placement(in: outlook, now: now)
        .position
        == 20)
    let partly = row(total: 10, firstNumber: 95, dispatched: 6, counts: counts(pending: 4, sent: 6))
    #expect(partly.placement(in: outlook, now: now).position == 1)
    #expect(partly.placement(in: outlook, now: now).complete?.middle == now + .seconds(2))
    // One that came back goes first.
    #expect(
      row(total: 1, firstNumber: 90, dispatched: 1, counts: counts(pending: 1)).placement(in: outlook, now: now)
        .position == 0)
    // Not numbered yet: at the end.
    #expect(
      row(total: 2, firstNumber: nil, dispatched: 0, counts: counts(pending: 2)).placement(in: outlook, now: now)
        .position == 38)
    #expect(
      row(total: 1, firstNumber: 90, dispatched: 1, counts: counts(sending: 1)).placement(in: outlook, now: now)
        == .unknown)
  }

  @Test("A message whose last SMS is to be tried again is done when that has gone")
  func retries() {
    let outlook = outlook(heads(backlog: 10))
    var message = row(total: 2, firstNumber: 3, dispatched: 1, counts: counts(pending: 1, retrying: 1))
    message.retries = RetryTimes(first: now + .seconds(60), last: now + .seconds(90))
    let both = message.estimated(message.placement(in: outlook, now: now), in: outlook, now: now)
    #expect(both.position == 4)
    #expect(both.start?.middle == now + .seconds(2))
    #expect(both.complete?.middle == now + .seconds(90))
    message.counts = counts(retrying: 1, sent: 1)
    let alone = message.estimated(message.placement(in: outlook, now: now), in: outlook, now: now)
    #expect(alone.position == nil)
    #expect(alone.start?.middle == now + .seconds(60))
    message.isPaused = true
    #expect(message.estimated(.unknown, in: outlook, now: now) == .unknown)
  }

  @Test("The caller's messages are done when the last SMS of their flows is")
  func completion() throws {
    var heads = heads(backlog: 40, head: 100)
    heads.flows.append(
      FlowHead(
        flowID: 2, messageClass: .normal, userID: .timeOrdered(), provider: nil, tag: 0, step: 1 << 24, backlog: 40,
        headNumber: 0))
    let shared = snapshot(heads)
    func completion(_ user: UserID) -> Timestamp? {
      QueueStatus(user: user, totals: QueueTotals(), snapshot: shared, now: now).yourCompletion
    }
    // 39 of its own and 39 of the other flow's are before its last one; at 2/s.
    #expect(completion(user) == now + .seconds(39))
    #expect(completion(.timeOrdered()) == nil)
  }

  @Test("A message says what holds it")
  func waiting() {
    func reason(_ message: MessageRow, _ heads: QueueChanged) -> WaitingReason? {
      let outlook = outlook(heads)
      return WaitingReason(message, placement: message.placement(in: outlook, now: now), in: outlook, now: now)
    }
    let pending = row(total: 1, firstNumber: 5, dispatched: 0, counts: counts(pending: 1))
    #expect(reason(pending, heads(backlog: 10)) == .meter)
    #expect(reason(pending, heads(backlog: 10, state: "paused", rate: 0)) == .providerPaused)
    #expect(reason(pending, heads(backlog: 10, state: "unhealthy", rate: 0)) == .providerUnhealthy)
    #expect(reason(pending, heads(backlog: 10, rate: 0)) == .noSender)
    var shared = heads(backlog: 10)
    shared.flows.append(
      FlowHead(
        flowID: 2, messageClass: .normal, userID: .timeOrdered(), provider: nil, tag: 0, step: 1 << 24, backlog: 10,
        headNumber: 0))
    #expect(reason(pending, shared) == .fairShare)
    var paused = pending
    paused.isPaused = true
    #expect(reason(paused, heads(backlog: 10)) == .messagePaused)
    paused.isUserPaused = true
    #expect(reason(paused, heads(backlog: 10)) == .userPaused)
    var stopped = heads(backlog: 10)
    stopped.isSending = false
    #expect(reason(pending, stopped) == .sendingStopped)
    var allowed = pending
    allowed.providers = ["gone", "away"]
    #expect(reason(allowed, heads(backlog: 10)) == .providerRemoved)
    var scheduled = pending
    scheduled.sendAt = now + .seconds(60)
    #expect(reason(scheduled, heads(backlog: 10)) == .schedule)
    let retrying = row(total: 1, firstNumber: 5, dispatched: 1, counts: counts(retrying: 1))
    #expect(reason(retrying, heads(backlog: 10)) == .retryBackoff)
    #expect(reason(row(total: 1, firstNumber: 5, dispatched: 1, counts: counts(sent: 1)), heads(backlog: 10)) == nil)
  }

  @Test("The coarse status has the predecessor's four names")
  func coarse() {
    let expected: [(JobStatus, CoarseStatus)] = [
      (.pending, .pending), (.sending, .pending), (.completed, .sent), (.partial, .partial), (.unconfirmed, .partial),
      (.failed, .failed), (.cancelled, .failed), (.expired, .failed),
    ]
    for (status, coarse) in expected { #expect(CoarseStatus(status) == coarse) }
    #expect(CoarseStatus.pending.jobStatuses == [.pending, .sending])
  }
}
