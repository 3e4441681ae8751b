import Contracts

/// Reads facts off the log.
enum FactDecoder {
  /// Decodes one fact.
  /// - Parameters:
  ///   - bytes: The message's body.
  ///   - type: What the broker says it is, by its `type` property or routing key; saves reading the body twice.
  /// - Throws: `WireError` when this is not a fact of the contract, or one that no table can hold.
  static func decode(_ bytes: [UInt8], type: String?) throws -> LoggedFact {
    let type = try type.flatMap(MessageType.init(rawValue:)) ?? Wire.header(of: bytes).type
    switch type {
    case .messageAccepted: return try decode(bytes, Fact.accepted)
    case .messageQueued: return try decode(bytes, Fact.queued)
    case .messageFinished: return try decode(bytes, Fact.finished)
    case .messageCancelled:
      return try decode(bytes) { (body: MessagesCancelled) in .cancelled(try check(body.messages, body)) }
    case .messageExpired:
      return try decode(bytes) { (body: MessagesExpired) in .expired(try check(body.messages, body)) }
    case .messagePaused: return try decode(bytes, Fact.paused)
    case .messageResumed: return try decode(bytes, Fact.resumed)
    case .unitDispatched:
      return try decode(bytes) { (body: UnitsDispatched) in
        for (place, entry) in body.units.enumerated() { try check(entry.attempt, at: place) }
        return .dispatched(body)
      }
    case .unitChanged:
      return try decode(bytes) { (body: UnitsChanged) in
        for (place, entry) in body.units.enumerated() {
          try check(entry.attempt, at: place)
          try check(entry.dispatch, at: place)
        }
        return .changed(body)
      }
    case .providerChanged: return try decode(bytes, Fact.providers)
    case .queueChanged: return try decode(bytes, Fact.queue)
    case .ledgerMarked: return try decode(bytes, Fact.marked)
    case .ledgerCounted:
      return try decode(bytes) { (body: LedgerCounted) in .counted(try check(body)) }
    case .unitDead, .letterOpened, .letterClosed, .letterFinished, .userChanged, .commandAnswered:
      return LoggedFact(at: try Wire.header(of: bytes).at, fact: .other)
    case .send, .messageCancel, .messagePause, .messageResume, .messageRetryFailed, .unitReplay, .unitSettle,
      .replayCancel, .providerSet, .providerReset, .sendingStop, .sendingGo, .deadLetterReplay, .deadLetterCancel,
      .deadLetterAbandon,
      .deadLetterSettle, .poisonReturn, .poisonDrop, .attemptOutcome, .sendExpired:
      throw WireError(code: .unexpectedType, message: "\(type.rawValue) is not a fact")
    }
  }

  private static func decode<Body: Payload>(_ bytes: [UInt8], _ fact: (Body) throws -> Fact) throws -> LoggedFact {
    let envelope = try Wire.decode(Body.self, from: bytes)
    return LoggedFact(at: envelope.header.at, fact: try fact(envelope.body))
  }

  /// Units of one message beyond which a cut is no fact: it would be written as so many rows.
  private static let largestMessage = 100_000

  private static func check<Body>(_ cuts: [CutMessage], _ body: Body) throws -> Body {
    for (place, cut) in cuts.enumerated()
    where cut.fromIndex < 0 || cut.total < cut.fromIndex || cut.total > largestMessage {
      throw WireError(code: .malformed, message: ".messages[\(place)] is out of range")
    }
    return body
  }

  private static func check(_ counted: LedgerCounted) throws -> LedgerCounted {
    for (place, entry) in counted.buckets.enumerated() where !(0..<LedgerBucket.count).contains(entry.bucket) {
      throw WireError(code: .malformed, message: ".buckets[\(place)].bucket is out of range")
    }
    return counted
  }

  private static func check(_ attempt: AttemptID, at place: Int) throws {
    try check(attempt.index, at: place)
    try check(attempt.dispatch, at: place)
  }

  /// Indexes and dispatch numbers are 32 bits wide in the tables.
  private static func check(_ number: Int, at place: Int) throws {
    guard number >= 0, number < Int(Int32.max) else {
      throw WireError(code: .malformed, message: ".units[\(place)].attempt is out of range")
    }
  }
}
