import Contracts
import Foundation
import TestSupport

@testable import StatusProjector

/// The facts of some messages' lives, as a scheduler would tell them, and what has become of every unit in the end.
///
/// Units meet everything that may happen to them: retries, throttling, expired leases, death and replay, unknown
/// outcomes and late answers, cancellation, expiry, being sent again. Messages are cut off, paused and resumed.
struct RecordedLog {
  /// A fact in both forms.
  struct Line {
    var type: MessageType
    var id: EnvelopeID
    var body: [UInt8]
  }

  private(set) var lines: [Line] = []
  /// The state in which each unit ends.
  private(set) var finalStates: [UnitID: UnitState] = [:]
  private(set) var acceptedCount = 0
  private var generator: SeededGenerator
  private var clock: Timestamp

  /// When it begins.
  let begin: Timestamp
  /// When it ends.
  var end: Timestamp { clock }

  init(messages: Int, seed: UInt64, start: Timestamp = Timestamp(microseconds: 1_800_000_000_000_000)) throws {
    generator = SeededGenerator(seed: seed)
    begin = start
    clock = start
    var lives: [UnitLife] = []
    for number in 0..<messages { lives += try accept(number) }
    lives.shuffle(using: &generator)
    for life in lives { try live(life) }
    try finish()
  }

  private struct UnitLife {
    var unit: UnitID
    var script: [Step]
    /// The dispatch number it starts with.
    var dispatch = 0
  }

  private enum Step: CaseIterable {
    case throttle, loseLease, retry, dieAndReplay, holdAndAnswerLate, holdAndReplay, resend, failAndAgain
  }

  private mutating func tick() -> Timestamp {
    clock = clock + .milliseconds(Int.random(in: 1...900, using: &generator))
    return clock
  }

  private mutating func uuid() -> UUID {
    let (high, low) = (generator.next(), generator.next())
    return withUnsafeBytes(of: (high, low)) { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
  }

  private mutating func tell(_ body: some Payload, at time: Timestamp? = nil) throws {
    let id = EnvelopeID(uuid())
    let at = time ?? clock
    lines.append(Line(type: Swift.type(of: body).type, id: id, body: try Wire.encode(Envelope(body, id: id, at: at))))
  }

  private mutating func accept(_ number: Int) throws -> [UnitLife] {
    let messageID = MessageID(uuid())
    let userID = UserID(uuid())
    let count = Int.random(in: 1...5, using: &generator)
    try tell(
      MessageAccepted(
        messageID: messageID, userID: userID, messageClass: number.isMultiple(of: 3) ? .urgent : .bulk,
        content: "Text \(number)", recipients: (0..<count).map { "+85290\(100_000 + number)\($0)" }, segments: 1,
        encoding: "gsm7", provider: number.isMultiple(of: 4) ? "hkt" : nil, reference: "reference \(number)",
        acceptedAt: tick()))
    try tell(
      MessagesQueued(
        messages: [
          .init(messageID: messageID, flowID: Int64(number % 7), firstNumber: Int64(number * 10), total: count)
        ],
        queuedAt: tick()))
    acceptedCount += 1
    try hold(.message(messageID))
    try hold(.user(userID))
    let cutFrom = Int.random(in: 0..<4, using: &generator) == 0 ? Int.random(in: 0...count, using: &generator) : count
    return scripts(messageID, 0..<cutFrom) + (try cut(messageID, from: cutFrom, total: count))
  }

  /// Pauses and resumes it up to three times.
  private mutating func hold(_ target: CommandTarget) throws {
    for _ in 0..<Int.random(in: 0...3, using: &generator) {
      if Bool.random(using: &generator) {
        try tell(MessagesPaused(targets: [target], changedAt: tick()))
      } else {
        try tell(MessagesResumed(targets: [target], changedAt: tick()))
      }
    }
  }

  /// Ends what was never dispatched of a message; some of what expired is sent again.
  private mutating func cut(_ messageID: MessageID, from index: Int, total: Int) throws -> [UnitLife] {
    guard index < total else { return [] }
    let message = CutMessage(messageID: messageID, fromIndex: index, total: total, at: tick())
    let expires = Bool.random(using: &generator)
    if expires {
      try tell(MessagesExpired(messages: [message]))
    } else {
      try tell(MessagesCancelled(messages: [message]))
    }
    var again: [UnitLife] = []
    for index in index..<total {
      let unit = UnitID(messageID: messageID, index: index)
      finalStates[unit] = expires ? .expired : .cancelled
      guard expires, Bool.random(using: &generator) else { continue }
      try change(AttemptID(unit: unit, dispatch: 1), .pending, 1, 0)
      again += scripts(messageID, index..<(index + 1)).map { UnitLife(unit: $0.unit, script: $0.script, dispatch: 1) }
    }
    return again
  }

  private mutating func scripts(_ messageID: MessageID, _ indexes: Range<Int>) -> [UnitLife] {
    indexes.map { index in
      let steps = (0..<Int.random(in: 0...3, using: &generator)).compactMap { _ in
        Step.allCases.randomElement(using: &generator)
      }
      return UnitLife(unit: UnitID(messageID: messageID, index: index), script: steps)
    }
  }

  private mutating func live(_ life: UnitLife) throws {
    var dispatch = life.dispatch
    var used = 0
    for step in life.script {
      try send(life.unit, dispatch)
      let attempt = AttemptID(unit: life.unit, dispatch: dispatch)
      switch step {
      case .throttle:
        try change(attempt, .pending, dispatch + 1, used, outcome: .throttled, status: 429)
      case .loseLease:
        try change(attempt, .pending, dispatch + 1, used)
      case .retry:
        used += 1
        try change(attempt, .retrying, dispatch, used, outcome: .retryable, status: 500)
        try change(attempt, .pending, dispatch + 1, used)
      case .dieAndReplay:
        used += 1
        try change(attempt, .dead, dispatch, used, outcome: .retryable, status: 503)
        used = 0
        try change(attempt, .pending, dispatch + 1, used)
      case .holdAndReplay:
        used += 1
        try change(attempt, .unconfirmed, dispatch, used, outcome: .unknown)
        used = 0
        try change(attempt, .pending, dispatch + 1, used)
      case .resend:
        used += 1
        try change(attempt, .pending, dispatch + 1, used, outcome: .unknown, mayBeDuplicate: true)
      case .failAndAgain:
        try change(attempt, .failed, dispatch, used + 1, outcome: .rejected, status: 400)
        used = 0
        try change(AttemptID(unit: life.unit, dispatch: dispatch + 1), .pending, dispatch + 1, used)
      case .holdAndAnswerLate:
        used += 1
        try change(attempt, .unconfirmed, dispatch, used, outcome: .unknown)
        try end(attempt, .sent, used)
        return
      }
      dispatch += 1
    }
    let attempt = AttemptID(unit: life.unit, dispatch: dispatch)
    switch Int.random(in: 0..<8, using: &generator) {
    case 0: try end(attempt, .cancelled, used)
    case 1: try end(attempt, .expired, used)
    case 2:
      try send(life.unit, dispatch)
      try end(attempt, .failed, used + 1)
    case 3:
      try send(life.unit, dispatch)
      finalStates[life.unit] = .sending
    case 4: finalStates[life.unit] = .pending
    default:
      try send(life.unit, dispatch)
      try end(attempt, .sent, used)
    }
  }

  private mutating func send(_ unit: UnitID, _ dispatch: Int) throws {
    try tell(
      UnitsDispatched(
        units: [.init(attempt: AttemptID(unit: unit, dispatch: dispatch), provider: "provider\(dispatch % 3)")],
        dispatchedAt: tick()))
  }

  private mutating func end(_ attempt: AttemptID, _ state: UnitState, _ used: Int) throws {
    finalStates[attempt.unit] = state
    switch state {
    case .sent: try change(attempt, .sent, attempt.dispatch, used, outcome: .accepted, status: 200)
    case .failed: try change(attempt, .failed, attempt.dispatch, used, outcome: .rejected, status: 400)
    case .pending, .sending, .retrying, .dead, .unconfirmed, .expired, .cancelled:
      try change(attempt, state, attempt.dispatch, used)
    }
  }

  private mutating func change(
    _ attempt: AttemptID, _ state: UnitState, _ dispatch: Int, _ used: Int, outcome: AttemptOutcome? = nil,
    status: Int? = nil, mayBeDuplicate: Bool? = nil
  ) throws {
    let started = outcome == nil ? nil : tick()
    try tell(
      UnitsChanged(units: [
        UnitChange(
          attempt: attempt, state: state, dispatch: dispatch, attemptsUsed: used,
          provider: outcome == nil ? nil : "provider\(attempt.dispatch % 3)", outcome: outcome,
          reply: status.map { ProviderReply(status: $0, body: "answer \($0) to \(attempt.dispatch)") },
          errorCode: status.flatMap { $0 == 200 ? nil : "http_\($0)" }, startedAt: started, finishedAt: tick(),
          mayBeDuplicate: mayBeDuplicate)
      ]))
  }

  private mutating func finish() throws {
    let byMessage = Dictionary(grouping: finalStates, by: \.key.messageID)
    for (messageID, units) in byMessage.sorted(by: { $0.key < $1.key }) where units.allSatisfy({ $0.value.isFinal }) {
      var counts = UnitCounts()
      for unit in units { counts[unit.value] += 1 }
      try tell(MessagesFinished(messages: [.init(messageID: messageID, counts: counts, finishedAt: tick())]))
    }
  }

  /// How many messages are final in the end.
  var finalMessages: Int { finalCounts.values.count { $0.jobStatus != .pending && $0.jobStatus != .sending } }

  /// The counts that every message must show in the end.
  var finalCounts: [MessageID: UnitCounts] {
    finalStates.reduce(into: [:]) { $0[$1.key.messageID, default: UnitCounts()][$1.value] += 1 }
  }
}

extension RecordedLog.Line {
  /// The fact as the projector reads it.
  var logged: LoggedFact { get throws { try FactDecoder.decode(body, type: type.rawValue) } }
}

extension Array {
  /// The same elements in another order, a third of them several times.
  func disturbed(using generator: inout SeededGenerator) -> Self {
    let repeated = filter { _ in Int.random(in: 0..<3, using: &generator) == 0 }
    return (self + repeated).shuffled(using: &generator)
  }
}
