import Contracts
import Foundation
import Postgres

/// Carries out commands about letters, each once however often it is delivered: the request is recorded with all that
/// follows from it in one transaction.
struct LetterRequests: Sendable {
  var pool: PostgresPool

  /// - Returns: The request as it stands. Its answer may have to wait for the scheduler's.
  func carryOut(_ command: LetterCommand, _ header: EnvelopeHeader) async throws -> StoredRequest {
    try await pool.withTransaction { connection in
      let draft = RequestDraft(command, header)
      switch try await draft.insert(connection) {
      case .known: break
      case .running(let replay): try await draft.insertWithoutEffect(replay, connection)
      case .new: try await fill(draft, command, connection)
      }
      guard let request = try await StoredRequest.load(draft.id, connection) else {
        throw RequestVanished()
      }
      return request
    }
  }

  /// Ends a command that cannot be carried out, unless it was.
  func refuse(_ command: LetterCommand, _ header: EnvelopeHeader, because reason: String) async throws -> StoredRequest
  {
    try await pool.withTransaction { connection in
      let draft = RequestDraft(command, header)
      switch try await draft.insert(connection) {
      case .known: break
      case .running(let replay): try await draft.insertWithoutEffect(replay, connection)
      case .new: try await draft.refuse(reason, connection)
      }
      guard let request = try await StoredRequest.load(draft.id, connection) else { throw RequestVanished() }
      return request
    }
  }

  private func fill(_ draft: RequestDraft, _ command: LetterCommand, _ connection: PostgresConnection) async throws {
    switch command {
    case .replay(let command):
      if let expiresAt = command.expiresAt, try await isPast(expiresAt, connection) {
        return try await draft.refuse("expired", connection)
      }
      let choice = LetterChoice(command.selection, unitState: command.selection.replayedState)
      try await begin(draft, choice, chunk: UnitReplay.unitLimit, connection)
    case .abandon(let command):
      let choice = LetterChoice(command.selection, unitState: .dead)
      try await begin(draft, choice, chunk: UnitSettle.unitLimit, connection)
    case .settle(let command):
      let choice = LetterChoice(command.selection, unitState: .unconfirmed)
      try await begin(draft, choice, chunk: UnitSettle.unitLimit, connection)
    case .cancel(let command): try await cancel(draft, command.replayID, connection)
    case .return(let command):
      let body = command.body.map { Array($0.utf8) }
      try await PoisonRequests(connection: connection).giveBack(draft, command.letterID, mended: body)
    case .drop(let command): try await PoisonRequests(connection: connection).drop(draft, command.letterID)
    }
  }

  /// Chooses the letters, marks them, and writes down what the scheduler is to be told.
  private func begin(
    _ draft: RequestDraft, _ choice: LetterChoice, chunk: Int, _ connection: PostgresConnection
  ) async throws {
    if let reason = choice.refusal { return try await draft.refuse(reason, connection) }
    var marking = LetterMarking(draft: draft, choice: choice, chunk: chunk)
    while try await marking.step(connection) {}
    let refused = choice.ids.map { $0.count - marking.letters } ?? 0
    guard marking.letters > 0 else {
      let reason = choice.ids == nil ? nil : try await choice.whyNone(connection)
      return try await draft.end(refused: refused, because: reason, connection)
    }
    try await connection.query(
      """
      UPDATE dead_letter.requests
      SET letters = \(marking.letters), segments = \(marking.segments), refused = \(refused)
      WHERE request_id = \(draft.id.uuid)
      """)
    try await order(draft, chunks: marking.orders, connection)
  }

  /// Why a second cancellation of a replay does nothing.
  static let alreadyCancelled = "already_cancelled"

  private func cancel(_ draft: RequestDraft, _ replay: ReplayID, _ connection: PostgresConnection) async throws {
    let row = try await connection.query(
      """
      SELECT ended_at IS NOT NULL AS is_ended, cancel_id IS NOT NULL AS is_cancelled FROM dead_letter.requests
      WHERE request_id = \(replay.uuid) AND kind = 'replay'
      """
    ).first
    guard let row else { return try await draft.refuse("not_found", connection) }
    if try row.decode("is_cancelled") { return try await draft.refuse(Self.alreadyCancelled, connection) }
    if try row.decode("is_ended") { return try await draft.refuse(RequestResults.nothingToCancel, connection) }
    // The scheduler need not hear of what has not left.
    let left = try await RequestResults(connection: connection).takeBack(replay.uuid, .unpublished)
    let isFirst = try await connection.query(
      """
      UPDATE dead_letter.requests SET cancelled_at = coalesce(cancelled_at, sluice.clock()), cancel_id = \(draft.id.uuid)
      WHERE request_id = \(replay.uuid) AND cancel_id IS NULL
      """
    ).affected
    // Somebody else was quicker, and has what there was to take back.
    guard isFirst == 1 else { return try await draft.refuse(Self.alreadyCancelled, connection) }
    try await connection.query(
      "UPDATE dead_letter.requests SET letters = \(left) WHERE request_id = \(draft.id.uuid)")
    try await order(draft, chunks: 1, connection)
  }

  private func order(_ draft: RequestDraft, chunks: Int, _ connection: PostgresConnection) async throws {
    let numbers = Array(0..<chunks)
    try await connection.query(
      """
      INSERT INTO dead_letter.orders (command_id, request_id, chunk, created_at)
      SELECT o.id, r.request_id, o.chunk, r.requested_at
      FROM unnest(\(numbers.map { LetterIDs.order(draft.id, chunk: $0).uuid }), \(numbers)) AS o (id, chunk)
      JOIN dead_letter.requests r ON r.request_id = \(draft.id.uuid)
      """)
  }

  private func isPast(_ time: Timestamp, _ connection: PostgresConnection) async throws -> Bool {
    try await connection.query("SELECT \(time.date) <= sluice.clock() AS is_past").first?.decode("is_past") ?? false
  }

  // MARK: What came of it

  /// Applies the scheduler's answer to an order.
  /// - Returns: The request that it is of, if it is one of ours.
  func take(_ answer: CommandAnswered) async throws -> StoredRequest? {
    switch answer.command {
    case .unitReplay, .unitSettle, .replayCancel: break
    default: return nil
    }
    return try await pool.withTransaction { connection in
      guard let id = try await RequestResults(connection: connection).take(answer) else { return nil }
      return try await StoredRequest.load(id, connection)
    }
  }

  func load(_ id: EnvelopeID) async throws -> StoredRequest? {
    try await pool.withConnection { try await StoredRequest.load(id, $0) }
  }
}

/// A request that was written in this transaction cannot be read: somebody deletes rows by hand.
struct RequestVanished: Error {}
