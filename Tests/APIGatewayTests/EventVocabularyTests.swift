import Contracts
import Metering
import Testing

@testable import APIGateway

@Suite("What events say")
struct EventVocabularyTests {
  private let now = Timestamp.now()
  private let id = MessageID.timeOrdered()

  private func drafts<Body: Payload>(
    _ body: Body, _ translator: inout FactTranslator, queue: QueueSnapshot = QueueSnapshot()
  ) throws -> [EventDraft] {
    try translator.drafts(Body.type, try Wire.encode(Envelope(body))) { queue }
  }

  private func event<Body: Payload>(_ body: Body) throws -> (draft: EventDraft, data: RawHTTP.Answer) {
    var translator = FactTranslator(isLive: true)
    let drafts = try drafts(body, &translator)
    let draft = try #require(drafts.first)
    return (
      draft, RawHTTP.Answer(status: 200, headers: [:], body: String(decoding: draft.data, as: UTF8.self))
    )
  }

  @Test("A message's life has an event for each step")
  func messages() throws {
    let queued = try event(
      MessagesQueued(
        messages: [.init(messageID: id, flowID: 1, firstNumber: 7, total: 2)], queuedAt: now))
    #expect(queued.draft.name == "message.queued" && queued.data.string("id") == id.description)
    let cut = CutMessage(messageID: id, fromIndex: 3, total: 10, at: now)
    let cancelled = try event(MessagesCancelled(messages: [cut]))
    #expect(cancelled.draft.name == "message.cancelled" && cancelled.data.number("cancelled") == 7)
    let expired = try event(MessagesExpired(messages: [cut]))
    #expect(expired.draft.name == "message.expired" && expired.data.number("expired") == 7)
    let paused = try event(MessagesPaused(targets: [.message(id)], changedAt: now))
    #expect(paused.draft.subject == .message(id, of: nil) && paused.data.string("id") == id.description)
    let user = UserID.timeOrdered()
    let all = try event(MessagesResumed(targets: [.user(user)], changedAt: now))
    #expect(all.draft.subject == .user(user) && all.draft.name == "message.resumed" && all.data.bool("all") == true)
    var counts = UnitCounts()
    counts.sent = 2
    let finished = try event(MessagesFinished(messages: [.init(messageID: id, counts: counts, finishedAt: now)]))
    #expect(finished.data.string("job_status") == "completed" && finished.data.number("counts.sent") == 2)
  }

  @Test("Letters are for admins")
  func letters() throws {
    let unit = UnitID(messageID: id, index: 4)
    let opened = try event(
      LettersOpened(letters: [.init(letterID: .timeOrdered(), unit: unit, dispatch: 1, errorType: "timeout")]))
    #expect(opened.draft.subject == .admins && opened.data.string("what") == "opened")
    #expect(opened.data.number("letters.0.index") == 4)
    let closed = try event(
      LettersClosed(letters: [.init(unit: unit, dispatch: 1, state: .sent, reason: "late_answer")]))
    #expect(closed.draft.subject == .admins && closed.data.string("letters.0.status") == "sent")
    #expect(closed.data.string("letters.0.letter_status") == "settled")
  }

  @Test("A letter that is replayed is replaying, and closed when its SMS has ended")
  func replayedLetters() throws {
    var translator = FactTranslator(isLive: true)
    let units = (0..<4).map { UnitID(messageID: id, index: $0) }
    let reasons = ["replayed", "abandoned", "retry_failed", "settled"]
    let drafts = try drafts(
      LettersClosed(
        letters: zip(units, reasons).map { .init(unit: $0, dispatch: 1, state: .pending, reason: $1) }), &translator)
    let found = drafts.flatMap { draft in
      let data = RawHTTP.Answer(status: 200, headers: [:], body: String(decoding: draft.data, as: UTF8.self))
      return (data.list("letters") ?? []).indices.map {
        "\(data.string("what") ?? "") \(data.string("letters.\($0).letter_status") ?? "")"
      }
    }
    #expect(found == ["replaying replaying", "closed abandoned", "closed retried", "closed settled"])
    let ends: [(UnitState, String)] = [
      (.sent, "retried"), (.failed, "settled"), (.expired, "abandoned"), (.cancelled, "abandoned"), (.dead, "pending"),
      (.unconfirmed, "pending"),
    ]
    for (state, status) in ends {
      let finished = try event(LettersFinished(letters: [.init(unit: units[0], dispatch: 1, state: state)]))
      #expect(finished.draft.subject == .admins && finished.data.string("what") == "finished")
      #expect(finished.data.string("letters.0.status") == state.rawValue)
      #expect(finished.data.string("letters.0.letter_status") == status, "\(state)")
    }
  }

  private func heads(_ at: Timestamp, state: String = "healthy", isSending: Bool = true) -> QueueChanged {
    QueueChanged(
      asOf: at, isComplete: true, epoch: 1, virtualTime: 0, classes: [], flows: [],
      providers: [ProviderPace(provider: "hkt", effectiveRate: 2, nominalRate: 2, state: state, inFlight: 0)],
      globalRate: nil, isSending: isSending)
  }

  @Test("The queue is told at most once a second, a provider when its state changes")
  func queue() throws {
    var translator = FactTranslator(isLive: true)
    let first = try drafts(heads(now), &translator)
    let soon = try drafts(heads(now + .milliseconds(500)), &translator)
    let changed = try drafts(heads(now + .milliseconds(600), state: "unhealthy"), &translator)
    let stopped = try drafts(heads(now + .milliseconds(700), state: "unhealthy", isSending: false), &translator)
    let later = try drafts(heads(now + .milliseconds(1_700), state: "unhealthy", isSending: false), &translator)
    #expect(
      [first, soon, changed, stopped, later].map { $0.map(\.name) } == [
        ["queue"], [], ["provider"], ["queue"], ["queue"],
      ])
    var again = FactTranslator(isLive: false)
    let old = try drafts(heads(now), &again)
    #expect(old.isEmpty, "what the queue was like then is of no interest now")
  }

  @Test("After something was missed no id is told until the client was told")
  func missed() {
    var view = StreamView(user: .timeOrdered(), isAdmin: false)
    func fact(_ offset: UInt64, _ audience: Audience...) -> LiveFact {
      LiveFact(
        offset: offset,
        events: audience.map { LiveEvent(name: "units", audience: $0, messageID: id, data: Array("{}".utf8)) })
    }
    var bytes: [UInt8] = []
    let first = view.write(fact(1, .everybody, .admins, .user(.timeOrdered())), to: &bytes)
    #expect(first == 1 && String(decoding: bytes, as: UTF8.self) == "event: units\ndata: {}\nid: 1\n\n")
    bytes = []
    _ = view.write(fact(2, .everybody, .unknown), to: &bytes)
    view.writeKeepAlive(next: 3, to: &bytes)
    #expect(view.hasMissed && String(decoding: bytes, as: UTF8.self) == "event: units\ndata: {}\n\n:\n\n")
    bytes = []
    view.writeReset(.incomplete, next: 3, to: &bytes)
    #expect(!view.hasMissed && String(decoding: bytes, as: UTF8.self).hasSuffix("id: 2\n\n"))
  }

  @Test("Who watches one message sees a pause of all of its user's, and nothing of the queue")
  func watching() {
    let user = UserID.timeOrdered()
    let view = StreamView(user: user, isAdmin: false, messageID: id)
    func shows(_ audience: Audience, _ message: MessageID?) -> Bool {
      view.concerns(
        LiveFact(offset: 1, events: [LiveEvent(name: "x", audience: audience, messageID: message, data: [])]))
    }
    #expect(shows(.user(user), id) && shows(.user(user), nil) && shows(.unknown, id))
    #expect(!shows(.user(user), .timeOrdered()) && !shows(.everybody, nil) && !shows(.user(.timeOrdered()), id))
    #expect(!shows(.unknown, .timeOrdered()))
  }

  @Test("A fact that is none says nothing")
  func garbage() async {
    var translator = FactTranslator(isLive: true)
    let owners = OwnerDirectory(logger: .init(label: "test")) { _ in [:] }
    let live = await LiveFeed.live(
      [.init(offset: 3, type: .unitChanged, body: Array("{}".utf8))], &translator, owners: owners, attempts: 1
    ) { QueueSnapshot() }
    #expect(live == [LiveFact(offset: 3, events: [])])
  }
}
