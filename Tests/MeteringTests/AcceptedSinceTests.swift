import Contracts
import Testing

@testable import Metering

@Suite("What was accepted since the heads")
struct AcceptedSinceTests {
  private let key = FlowKey(messageClass: .normal, userID: .timeOrdered())
  private let now = Timestamp.now()

  private func heads(backlog: Int, head: Int64, end: Int64?, isComplete: Bool = false, at time: Timestamp)
    -> QueueChanged
  {
    QueueChanged(
      asOf: time, isComplete: isComplete, epoch: 1, virtualTime: 0,
      classes: [ClassHead(messageClass: .normal, tag: 0, backlog: backlog, virtualTime: 0)],
      flows: isComplete && backlog == 0
        ? []
        : [
          FlowHead(
            flowID: 1, messageClass: .normal, userID: key.userID, provider: nil, tag: 0, step: 1 << 24,
            backlog: backlog, headNumber: head, endNumber: end)
        ],
      providers: [], globalRate: nil, isSending: true)
  }

  private func queued(_ ids: ArraySlice<MessageID>, from first: Int64) -> MessagesQueued {
    MessagesQueued(
      messages: ids.enumerated().map {
        MessagesQueued.Entry(messageID: $1, flowID: 1, firstNumber: first + Int64($0), total: 1)
      }, queuedAt: now)
  }

  @Test("in a burst every request stands behind all before it, whenever heads arrive")
  func burst() {
    var snapshot = QueueSnapshot()
    snapshot.apply(heads(backlog: 0, head: 0, end: nil, isComplete: true, at: now))
    let ids = (0..<101).map { _ in MessageID.timeOrdered() }
    for place in ids.indices {
      #expect(snapshot.position(in: key, ahead: snapshot.backlog(of: key)) == place)
      snapshot.noteAccepted(ids[place], flow: key, count: 1, weight: 1, at: now)
      switch place {
      case 30: snapshot.apply(queued(ids[0..<20], from: 0))
      // The scheduler has 25 by now; of five of them this replica has not read the numbers yet.
      case 40: snapshot.apply(heads(backlog: 20, head: 0, end: 20, at: now))
      case 50: snapshot.apply(queued(ids[20..<50], from: 20))
      case 60: snapshot.apply(heads(backlog: 50, head: 0, end: 50, at: now))
      default: break
      }
    }
    #expect(snapshot.totalBacklog == 101)
  }

  @Test("what was queued and has gone is not counted for ever")
  func gone() {
    var snapshot = QueueSnapshot()
    snapshot.apply(heads(backlog: 0, head: 0, end: nil, isComplete: true, at: now))
    let id = MessageID.timeOrdered()
    snapshot.noteAccepted(id, flow: key, count: 1, weight: 1, at: now)
    snapshot.apply(queued([id][...], from: 7))
    snapshot.apply(heads(backlog: 0, head: 8, end: 8, at: now))
    #expect(snapshot.backlog(of: key) == 0)
    #expect(snapshot.totalBacklog == 0)
  }

  @Test("a message that no heads ever count is given up once heads are half a minute younger")
  func lost() {
    var snapshot = QueueSnapshot()
    snapshot.noteAccepted(.timeOrdered(), flow: key, count: 5, weight: 1, at: now)
    snapshot.apply(heads(backlog: 0, head: 0, end: nil, isComplete: true, at: now + .seconds(20)))
    #expect(snapshot.backlog(of: key) == 5)
    snapshot.apply(heads(backlog: 0, head: 0, end: nil, isComplete: true, at: now + .seconds(31)))
    #expect(snapshot.backlog(of: key) == 0)
  }

  @Test("an older scheduler's heads, which do not tell whom they count, count all")
  func older() {
    var snapshot = QueueSnapshot()
    snapshot.noteAccepted(.timeOrdered(), flow: key, count: 5, weight: 1, at: now)
    snapshot.apply(heads(backlog: 5, head: 0, end: nil, isComplete: true, at: now))
    #expect(snapshot.backlog(of: key) == 5)
  }

  @Test("a message that is queued before its sender hears that it is accepted is counted once")
  func quick() {
    var snapshot = QueueSnapshot()
    snapshot.apply(heads(backlog: 3, head: 0, end: 3, isComplete: true, at: now))
    let ids = [MessageID.timeOrdered(), .timeOrdered()]
    snapshot.apply(queued(ids[...], from: 3))
    let first = snapshot.noteAccepted(ids[0], flow: key, count: 1, weight: 1, at: now)
    #expect(first == 3)
    snapshot.apply(heads(backlog: 5, head: 0, end: 5, at: now))
    #expect(snapshot.backlog(of: key) == 5)
    let second = snapshot.noteAccepted(ids[1], flow: key, count: 1, weight: 1, at: now)
    #expect(second == 4)
    #expect(snapshot.backlog(of: key) == 5)
  }

  @Test("a message that was sent before its sender hears that it is accepted waits for nothing")
  func sent() {
    var snapshot = QueueSnapshot()
    let id = MessageID.timeOrdered()
    snapshot.apply(heads(backlog: 3, head: 0, end: 3, isComplete: true, at: now))
    snapshot.apply(queued([id][...], from: 3))
    snapshot.apply(heads(backlog: 0, head: 4, end: 4, at: now))
    let ahead = snapshot.noteAccepted(id, flow: key, count: 1, weight: 1, at: now)
    #expect(ahead == 0)
    #expect(snapshot.totalBacklog == 0)
  }

  @Test("a message that is cancelled before it ever waited is not counted")
  func cancelled() {
    var snapshot = QueueSnapshot()
    snapshot.apply(heads(backlog: 3, head: 0, end: 3, isComplete: true, at: now))
    let id = MessageID.timeOrdered()
    snapshot.noteAccepted(id, flow: key, count: 7, weight: 1, at: now)
    snapshot.forget([CutMessage(messageID: id, fromIndex: 0, total: 7, at: now)])
    #expect(snapshot.backlog(of: key) == 3)
  }

  @Test("a message that is accepted again under its id is counted once")
  func repeated() {
    var snapshot = QueueSnapshot()
    snapshot.apply(heads(backlog: 3, head: 0, end: 3, isComplete: true, at: now))
    let id = MessageID.derived(from: [[1]])
    for _ in 0..<3 { snapshot.noteAccepted(id, flow: key, count: 7, weight: 1, at: now) }
    #expect(snapshot.backlog(of: key) == 10)
    snapshot.forget([CutMessage(messageID: id, fromIndex: 0, total: 7, at: now)])
    #expect(snapshot.backlog(of: key) == 3)
  }

  @Test("a new leader's heads count once it has told all of them")
  func newLeader() {
    var snapshot = QueueSnapshot()
    snapshot.apply(heads(backlog: 3, head: 0, end: 3, isComplete: true, at: now))
    var change = heads(backlog: 9, head: 0, end: 9, at: now)
    change.epoch = 2
    snapshot.apply(change)
    #expect(snapshot.backlog(of: key) == 3)
    change.isComplete = true
    snapshot.apply(change)
    #expect(snapshot.backlog(of: key) == 9)
  }
}
