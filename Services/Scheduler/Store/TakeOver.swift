import Contracts
import Foundation
import Metering
import Postgres

/// What a new leader reads: everything that is not final.
struct TakeOver: Sendable {
  var term: LeaderTerm

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
    var holes = HoleMap()
  }

  /// The flows, with what has never been dispatched.
  func flows() async throws -> [Flow] {
    try await term.transaction { connection, _ in
      var flows = try await connection.query(
        """
        SELECT f.flow_id, f.class, f.user_id, f.provider, f.weight, f.tags, f.next_number,
          coalesce(b.head_number, f.next_number) AS head_number, coalesce(b.end_number, f.next_number) AS end_number,
          coalesce(b.units, 0) AS units
        FROM scheduler.flows f
        LEFT JOIN (
          SELECT flow_id, sum(total - cursor)::bigint AS units, min(first_number + cursor) AS head_number,
            max(first_number + total) AS end_number
          FROM scheduler.messages WHERE cursor < total AND is_due AND NOT is_paused GROUP BY flow_id) b USING (flow_id)
        ORDER BY f.flow_id
        """
      ).map { row in
        Flow(
          key: try FlowKey(row), id: try row.decode("flow_id"), weight: try row.decode("weight"),
          tags: try Self.decoded(try row.decode("tags", as: String.self)), headNumber: try row.decode("head_number"),
          endNumber: try row.decode("end_number"), nextNumber: try row.decode("next_number"),
          unloaded: try row.decode("units"))
      }
      let broken = flows.indices.filter { flows[$0].endNumber - flows[$0].headNumber != Int64(flows[$0].unloaded) }
      let holes = try await holes(of: broken.map { flows[$0] }, connection)
      for place in broken { flows[place].holes = holes[flows[place].id] ?? HoleMap() }
      return flows
    }
  }

  /// The providers' virtual times; none where they were never stored.
  func clocks() async throws -> [String: ProviderClock] {
    let row = try await term.transaction { connection, _ in
      try await connection.query("SELECT clocks FROM scheduler.clocks").first
    }
    guard let row else { return [:] }
    return try Self.decoded(try row.decode("clocks", as: String.self))
  }

  private static func decoded<Value: Decodable>(_ text: String) throws -> Value {
    try JSONDecoder().decode(Value.self, from: Data(text.utf8))
  }

  /// The numbers that nobody waits for, in flows that have such: all between the messages that wait.
  private func holes(of flows: [Flow], _ connection: PostgresConnection) async throws -> [Int64: HoleMap] {
    guard !flows.isEmpty else { return [:] }
    let rows = try await connection.query(
      """
      SELECT flow_id, lower_number, upper_number
      FROM (
        SELECT flow_id, first_number + total AS lower_number,
          lead(first_number + cursor) OVER (PARTITION BY flow_id ORDER BY first_number) AS upper_number
        FROM scheduler.messages
        WHERE flow_id = ANY(\(flows.map(\.id))) AND cursor < total AND is_due AND NOT is_paused) gaps
      WHERE lower_number < upper_number
      """)
    var holes: [Int64: HoleMap] = [:]
    for row in rows {
      let lower: Int64 = try row.decode("lower_number")
      holes[try row.decode("flow_id"), default: HoleMap()].add(lower..<(try row.decode("upper_number")))
    }
    return holes
  }

  /// Units that came back and wait, but for those of paused messages.
  func waiting() async throws -> [OutcomeStore.Returned] {
    try await term.transaction { connection, _ in
      try await OutcomeStore.Returned.waiting(where: "NOT m.is_paused", connection)
    }
  }

  /// Commands that an earlier leader issued and nobody has reported: they are published again at once.
  ///
  /// Those of a provider that is no longer configured go to another's queue, past their deadline, so that nothing is sent
  /// and the ledger, which is one for all, answers.
  func outstanding(limits: [String: ProviderLimit]) async throws -> [IssuedCommand] {
    let substitute = limits.min { $0.key < $1.key }
    let rows = try await term.transaction { connection, _ in
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
