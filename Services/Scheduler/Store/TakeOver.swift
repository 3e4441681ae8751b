import Contracts
import Foundation
import Metering
import Postgres

/// What a new leader reads: everything that is not final, as far as the queue needs it before it can go on.
///
/// Nobody but a leader changes what is read here, so the epoch is checked before and after, and no lock held meanwhile:
/// the lease can be renewed however long a read takes.
struct TakeOver: Sendable {
  var term: LeaderTerm
  /// For reads that may take longer than other statements; `nil` for the term's own pool.
  var patient: PostgresPool?

  struct Flow: Sendable {
    var key: FlowKey
    var id: Int64
    var weight: Double
    /// Virtual start tags by provider.
    var tags: [String: Int64]
    var headNumber: Int64
    /// Past the last number that waits.
    var endNumber: Int64
    /// Past the last number that was given out.
    var nextNumber: Int64
    var unloaded: Int

    /// True when there are numbers between the first and the last one that nobody waits for.
    var hasHoles: Bool { endNumber - headNumber != Int64(unloaded) }
  }

  /// The flows, each with how much of it has never been dispatched: a row and two looks into an index for each flow,
  /// however many messages wait.
  func flows() async throws -> [Flow] {
    try await read { connection in
      try await connection.query(
        """
        SELECT f.flow_id, f.class, f.user_id, f.provider, f.weight, f.tags, f.next_number, f.backlog,
          coalesce(h.number, f.next_number) AS head_number, coalesce(e.number, f.next_number) AS end_number
        FROM scheduler.flows f
        LEFT JOIN LATERAL (
          SELECT m.first_number + m.cursor AS number FROM scheduler.messages m
          WHERE f.backlog > 0 AND m.flow_id = f.flow_id AND m.cursor < m.total AND m.is_due AND NOT m.is_paused
          ORDER BY m.first_number LIMIT 1) h ON true
        LEFT JOIN LATERAL (
          SELECT m.first_number + m.total AS number FROM scheduler.messages m
          WHERE f.backlog > 0 AND m.flow_id = f.flow_id AND m.cursor < m.total AND m.is_due AND NOT m.is_paused
          ORDER BY m.first_number DESC LIMIT 1) e ON true
        ORDER BY f.flow_id
        """
      ).map { row in
        Flow(
          key: try FlowKey(row), id: try row.decode("flow_id"), weight: try row.decode("weight"),
          tags: try Self.decoded(try row.decode("tags", as: String.self)), headNumber: try row.decode("head_number"),
          endNumber: try row.decode("end_number"), nextNumber: try row.decode("next_number"),
          unloaded: try row.decode("backlog"))
      }
    }
  }

  private func read<Result: Sendable>(
    _ body: (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    try await term.confirm()
    let result = try await (patient ?? term.pool).withConnection(body)
    try await term.confirm()
    return result
  }

  /// The providers' virtual times; none where they were never stored.
  func clocks() async throws -> [String: ProviderClock] {
    let row = try await read { try await $0.query("SELECT clocks FROM scheduler.clocks").first }
    guard let row else { return [:] }
    return try Self.decoded(try row.decode("clocks", as: String.self))
  }

  private static func decoded<Value: Decodable>(_ text: String) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(text.utf8))
  }

  /// Messages that are gone through at once for the holes between them.
  static let holesAtOnce = 5000

  /// Goes through the next messages of a flow for the numbers between them that nobody waits for.
  ///
  /// Only in the leader's loop, between two of its transactions.
  func holes(_ reading: inout HoleReading) async throws -> HoleReading.Found {
    let rows = try await term.pool.query(
      """
      SELECT first_number, first_number + cursor AS lower_number, first_number + total AS upper_number
      FROM scheduler.messages
      WHERE flow_id = \(reading.flowID) AND first_number >= \(reading.nextFirst) AND cursor < total AND is_due
        AND NOT is_paused
      ORDER BY first_number LIMIT \(Self.holesAtOnce)
      """)
    return reading.take(
      try rows.map {
        HoleReading.Span(
          firstNumber: try $0.decode("first_number"), lower: try $0.decode("lower_number"),
          upper: try $0.decode("upper_number"))
      }, limit: Self.holesAtOnce)
  }

  /// Units that came back and wait, but for those of paused messages: a page, in the order of messages and indexes.
  func waiting(
    after last: UnitID? = nil, limit: Int = ReturnReading.pageSize
  ) async throws -> [OutcomeStore.Returned] {
    let unread: PostgresQuery =
      last.map { "(u.message_id, u.unit_index) > (\($0.messageID.uuid), \($0.index)) AND NOT m.is_paused" }
      ?? "NOT m.is_paused"
    return try await read { connection in
      try await OutcomeStore.Returned.waiting(
        where: unread, order: "u.message_id, u.unit_index LIMIT \(limit)", connection)
    }
  }

  /// Commands that an earlier leader issued and nobody has reported: they are published again at once.
  ///
  /// Those of a provider that is no longer configured go to another's queue, past their deadline, so that nothing is sent
  /// and the ledger, which is one for all, answers.
  func outstanding(limits: [String: ProviderLimit]) async throws -> [IssuedCommand] {
    let substitute = limits.min { $0.key < $1.key }
    let rows = try await read { connection in
      try await connection.query(
        """
        SELECT a.message_id, a.unit_index, a.dispatch, a.provider, a.command_id, a.cost, a.not_after_at,
          coalesce(r.content, m.content) AS content, coalesce(r.phone, m.recipients[a.unit_index + 1]) AS phone,
          m.request_id, nullif(u.throttles, 0) AS throttles
        FROM scheduler.units u
        JOIN scheduler.attempts a USING (message_id, unit_index, dispatch)
        JOIN scheduler.messages m USING (message_id)
        LEFT JOIN scheduler.replayed r USING (message_id, unit_index)
        WHERE u.state = 'sending'
        """)
    }
    var commands: [EnvelopeID: IssuedCommand] = [:]
    for row in rows {
      let id = EnvelopeID(try row.decode("command_id", as: UUID.self))
      var provider: String = try row.decode("provider")
      guard let limit = limits[provider] ?? substitute?.value else { continue }
      let isSubstituted = limits[provider] == nil
      if isSubstituted, let substitute { provider = substitute.key }
      var issued =
        try commands[id]
        ?? IssuedCommand(
          id: id, requestID: try row.decode("request_id"),
          command: SendCommand(
            provider: provider, attempts: [],
            notAfter: isSubstituted ? .distantPast : Timestamp(try row.decode("not_after_at", as: Date.self)),
            limit: limit), open: [])
      let attempt = SendCommand.Attempt(
        id: AttemptID(unit: try UnitID(row), dispatch: try row.decode("dispatch")),
        phone: try row.decode("phone"), content: try row.decode("content"), cost: try row.decode("cost"),
        throttles: try row.decode("throttles"))
      issued.command.attempts.append(attempt)
      issued.open.insert(attempt.id)
      commands[id] = issued
    }
    return Array(commands.values)
  }

  /// The next messages of flows, by flow. What a deposed leader reads here is of no use to it: its dispatch fails.
  func pages(_ missing: [MissingPage]) async throws -> [Int64: [MessageSpan]] {
    let rows = try await term.pool.query(
      """
      SELECT f.flow_id, p.message_id, p.first_number, p.cursor, p.total, p.segments, p.providers
      FROM unnest(\(missing.map(\.flowID)), \(missing.map(\.after))) AS f(flow_id, after)
      CROSS JOIN LATERAL (
        SELECT m.message_id, m.first_number, m.cursor, m.total, m.segments, m.providers
        FROM scheduler.messages m
        WHERE m.flow_id = f.flow_id AND m.first_number > f.after AND m.cursor < m.total AND m.is_due AND NOT m.is_paused
        ORDER BY m.first_number LIMIT \(Backlog.pageSize)) p
      ORDER BY f.flow_id, p.first_number
      """)
    var pages: [Int64: [MessageSpan]] = [:]
    for row in rows {
      pages[try row.decode("flow_id"), default: []].append(
        MessageSpan(
          messageID: try MessageID(row),
          firstNumber: try row.decode("first_number"), cursor: try row.decode("cursor"),
          total: try row.decode("total"), segments: try row.decode("segments"),
          allowed: try row.decode("providers")))
    }
    return pages
  }
}
