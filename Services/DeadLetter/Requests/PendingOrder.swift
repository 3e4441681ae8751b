import Contracts
import Foundation
import Postgres

/// One command to the scheduler that nobody has confirmed or, for a while, answered. Works within a transaction of its caller.
struct PendingOrder: Sendable {
  var commandID: EnvelopeID
  var requestID: UUID
  var chunk: Int
  private var row: PostgresRow

  /// Newest attempts of a letter that an order tells of, and bytes of each reply: the scheduler only hands them on, and
  /// what the broker carries in one message is limited.
  static let history = (attempts: 16, replyBytes: 256)

  /// About how many bytes of an order to replay a letter `l` is: text as JSON has it, the history up to its limit, and the
  /// names and numbers around them.
  static let bytes: PostgresQuery = """
    octet_length(to_json(l.content)::text) + coalesce(octet_length(to_json(l.error_message)::text), 0)
      + coalesce(octet_length(to_json(l.reference)::text), 0)
      + coalesce(octet_length(array_to_string(l.providers, ',')), 0)
      + least(jsonb_array_length(l.attempts), \(history.attempts)) * \(2 * history.replyBytes) + 700
    """

  /// The next that no other replica has in hand; locked until the end of the transaction. Cancellations go first; what
  /// could not be published waits for all others; what is not answered is published again after a minute, then ever more
  /// seldom.
  static func next(_ connection: PostgresConnection) async throws -> PendingOrder? {
    try await connection.query(
      """
      SELECT o.command_id, o.request_id, o.chunk, r.kind, r.class, r.provider, r.expires_at, r.verdict, r.replay_id,
        r.http_request_id, r.traceparent
      FROM dead_letter.orders o JOIN dead_letter.requests r USING (request_id)
      WHERE o.answered_at IS NULL AND (
        o.published_at IS NULL
        OR o.published_at < sluice.clock() - least(60 * 4 ^ (o.sends - 1), 3600) * interval '1 second')
      ORDER BY o.failed_at NULLS FIRST, r.kind <> 'cancel', o.created_at, o.chunk LIMIT 1 FOR UPDATE OF o SKIP LOCKED
      """
    ).first.map(PendingOrder.init)
  }

  private init(_ row: PostgresRow) throws {
    commandID = EnvelopeID(try row.decode("command_id"))
    requestID = try row.decode("request_id")
    chunk = try row.decode("chunk")
    self.row = row
  }

  /// The command, with its letters as they are now; `nil` for a kind of request that has no orders.
  func message(_ connection: PostgresConnection) async throws -> OrderMessage? {
    switch RequestKind(rawValue: try row.decode("kind")) {
    case .replay:
      try envelope(
        UnitReplay(
          replayID: ReplayID(requestID), units: try await letters(connection),
          messageClass: try row.decode("class", as: String?.self).flatMap(MessageClass.init),
          provider: try row.decode("provider"),
          expiresAt: try row.decode("expires_at", as: Date?.self).map(Timestamp.init)))
    case .abandon: try envelope(UnitSettle(units: try await units(connection), verdict: .abandoned))
    case .settle:
      try envelope(
        UnitSettle(
          units: try await units(connection),
          verdict: try row.decode("verdict", as: String?.self) == UnitState.sent.rawValue ? .sent : .failed))
    case .cancel: try envelope(ReplayCancel(replayID: ReplayID(try row.decode("replay_id", as: UUID.self))))
    case .return, .drop, nil: nil
    }
  }

  func markPublished(_ connection: PostgresConnection) async throws {
    try await connection.query(
      """
      UPDATE dead_letter.orders SET published_at = sluice.clock(), failed_at = NULL, sends = sends + 1
      WHERE command_id = \(commandID.uuid)
      """)
  }

  /// Lets all others go first the next time.
  func markFailed(_ connection: PostgresConnection) async throws {
    try await connection.query(
      "UPDATE dead_letter.orders SET failed_at = sluice.clock() WHERE command_id = \(commandID.uuid)")
  }

  private func envelope(_ body: some Payload) throws -> OrderMessage {
    OrderMessage(
      try Wire.encode(
        Envelope(
          body, id: commandID, requestID: try row.decode("http_request_id"), traceparent: try row.decode("traceparent"))
      ), type: type(of: body).type)
  }

  private func units(_ connection: PostgresConnection) async throws -> [UnitSettle.Entry] {
    try await connection.query(
      """
      SELECT l.message_id, l.unit_index, rl.dispatch
      FROM dead_letter.request_letters rl JOIN dead_letter.letters l USING (letter_id)
      WHERE rl.request_id = \(requestID) AND rl.chunk = \(chunk) ORDER BY l.created_at, l.letter_id
      """
    ).map { row in
      let death = try AttemptID(row)
      return UnitSettle.Entry(unit: death.unit, dispatch: death.dispatch)
    }
  }

  private func letters(_ connection: PostgresConnection) async throws -> [UnitsDead.Entry] {
    try await connection.query(
      """
      SELECT l.message_id, l.unit_index, rl.dispatch, l.unit_state, l.error_type, l.error_message, l.user_id, l.class,
        l.phone, l.content, l.segments, l.encoding, l.pinned_provider, l.providers, l.reference, l.retry_count,
        l.max_attempts, l.accepted_at, l.died_at, (
          SELECT coalesce(jsonb_agg(a.value ORDER BY a.place), '[]')
          FROM jsonb_array_elements(l.attempts) WITH ORDINALITY AS a (value, place)
          WHERE a.place > jsonb_array_length(l.attempts) - \(Self.history.attempts))::text AS attempts
      FROM dead_letter.request_letters rl JOIN dead_letter.letters l USING (letter_id)
      WHERE rl.request_id = \(requestID) AND rl.chunk = \(chunk) ORDER BY l.created_at, l.letter_id
      """
    ).map(UnitsDead.Entry.init)
  }
}

extension UnitsDead.Attempt {
  fileprivate var short: UnitsDead.Attempt {
    guard let reply, reply.body.utf8.count > PendingOrder.history.replyBytes else { return self }
    var attempt = self
    // A character that is cut in two becomes a replacement.
    let body = String(decoding: reply.body.utf8.prefix(PendingOrder.history.replyBytes), as: UTF8.self)
    attempt.reply = ProviderReply(status: reply.status, body: body)
    return attempt
  }
}

/// A command as it is published.
struct OrderMessage: Sendable {
  var body: [UInt8]
  var type: MessageType

  init(_ body: [UInt8], type: MessageType) {
    self.body = body
    self.type = type
  }
}

extension UnitsDead.Entry {
  /// A letter as `unit.dead` told of it.
  fileprivate init(_ row: PostgresRow) throws {
    let death = try AttemptID(row)
    let history: String = try row.decode("attempts")
    self.init(
      unit: death.unit, dispatch: death.dispatch,
      // A letter that went on meanwhile is refused by its number.
      state: UnitState(rawValue: try row.decode("unit_state")) ?? .dead, errorType: try row.decode("error_type"),
      errorMessage: try row.decode("error_message"), userID: UserID(try row.decode("user_id", as: UUID.self)),
      messageClass: MessageClass(rawValue: try row.decode("class")) ?? .normal, phone: try row.decode("phone"),
      content: try row.decode("content"), segments: try row.decode("segments"), encoding: try row.decode("encoding"),
      pinnedProvider: try row.decode("pinned_provider"), providers: try row.decode("providers"),
      reference: try row.decode("reference"), attemptsUsed: try row.decode("retry_count"),
      maxAttempts: try row.decode("max_attempts"),
      attempts: try JSONDecoder().decode([UnitsDead.Attempt].self, from: Data(history.utf8))
        .map(\.short),
      acceptedAt: Timestamp(try row.decode("accepted_at", as: Date.self)),
      diedAt: Timestamp(try row.decode("died_at", as: Date.self)))
  }
}
