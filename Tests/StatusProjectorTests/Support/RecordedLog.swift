import Contracts
import Foundation
import TestSupport

@testable import StatusProjector

/// The facts of some messages' lives, as a scheduler would tell them, and what has become of every unit in the end.
///
/// Units meet everything that may happen to them: retries, throttling, expired leases, death and replay, unknown
/// outcomes and late answers, cancellation, expiry.
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
  private var clock = Timestamp(microseconds: 1_800_000_000_000_000)

  init(messages: Int, seed: UInt64) throws {
    generator = SeededGenerator(seed: seed)
    var lives: [UnitLife] = []
    for number in 0..<messages { lives += try accept(number) }
    lives.shuffle(using: &generator)
    for life in lives { try live(life) }
    try finish()
  }

  private struct UnitLife {
    var unit: UnitID
    var script: [Step]
  }

  private enum Step: CaseIterable {
    case throttle, loseLease, retry, dieAndReplay, holdAndAnswerLate, holdAndReplay
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
    let count = Int.random(in: 1...5, using: &generator)
    try tell(
      MessageAccepted(
        messageID: messageID, userID: UserID(uuid()), messageClass: number.isMultiple(of: 3) ? .urgent : .bulk,
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
    return (0..<count).map { index in
      let steps = (0..<Int.random(in: 0...3, using: &generator)).compactMap { _ in
        Step.allCases.randomElement(using: &generator)
      }
      return UnitLife(unit: UnitID(messageID: messageID, index: index), script: steps)
    }
  }

  private mutating func live(_ life: UnitLife) throws {
    var dispatch = 0
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
    status: Int? = nil
  ) throws {
    let started = outcome == nil ? nil : tick()
    try tell(
      UnitsChanged(units: [
        UnitChange(
          attempt: attempt, state: state, dispatch: dispatch, attemptsUsed: used,
          provider: outcome == nil ? nil : "provider\(attempt.dispatch % 3)", outcome: outcome,
          reply: status.map { ProviderReply(status: $0, body: "answer \($0) to \(attempt.dispatch)") },
          errorCode: status.flatMap { $0 == 200 ? nil : "http_\($0)" }, startedAt: started, finishedAt: tick())
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
