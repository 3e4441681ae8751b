import Contracts
import Foundation
import Metering
import Postgres

/// Writes a dispatch: cursors, units, attempts and the fact, in one transaction. The attempt rows are the outbox of the
/// send commands, which may be published once this has committed.
struct DispatchStore: Sendable {
  var term: LeaderTerm
  var lease: Duration = .seconds(2)

  struct Result: Sendable {
    var commands: [IssuedCommand]
    var outbox: [OutboxEntry]
  }

  /// One command to be issued.
  struct Order: Sendable {
    var provider: String
    var limit: ProviderLimit
    var picks: [DispatchPick]
  }

  /// - Parameters:
  ///   - tags: The flows' tags after this dispatch.
  ///   - clocks: The providers' virtual times after it.
  func issue(_ orders: [Order], tags: [FlowTags], clocks: [String: ProviderClock] = [:]) async throws -> Result {
    try await term.transaction { connection, now in
      let picks = orders.flatMap(\.picks)
      var contents = try await advanceCursors(picks, connection)
      contents.merge(try await reopen(picks, connection)) { _, new in new }
      guard picks.allSatisfy({ contents[$0.unit] != nil }) else { throw StoreError.outOfStep }
      let issued = Self.apart(orders, expiringBefore: now + lease, contents).map { order in
        IssuedCommand(
          id: .timeOrdered(), requestID: order.picks.first.flatMap { contents[$0.unit]?.requestID },
          command: SendCommand(
            provider: order.provider,
            attempts: order.picks.compactMap { pick in
              contents[pick.unit].map {
                SendCommand.Attempt(
                  id: pick.attempt, phone: $0.phone, content: $0.content, cost: pick.cost, throttles: $0.throttles)
              }
            },
            notAfter: order.picks.compactMap { contents[$0.unit]?.expiresAt }.reduce(now + lease, min),
            limit: order.limit),
          open: Set(order.picks.map(\.attempt)))
      }
      try await insertAttempts(issued, at: now, connection)
      try await store(tags, clocks, connection)
      var facts = Outbox.Draft()
      try facts.add(
        UnitsDispatched(
          units: picks.map { .init(attempt: $0.attempt, provider: $0.provider) }, dispatchedAt: now), at: now)
      return Result(commands: issued, outbox: try await Outbox.insert(facts, connection))
    }
  }

  /// Cuts commands by their bytes, and puts what expires within the lease into commands of its own: its deadline is
  /// nobody else's.
  private static func apart(
    _ orders: [Order], expiringBefore deadline: Timestamp, _ contents: [UnitID: Content]
  ) -> [Order] {
    orders.flatMap { order -> [Order] in
      // One text may have 40 KB, and a command up to 256 of them.
      order.picks.chunks(of: .max, bytes: 1 << 20) { 300 + (contents[$0.unit]?.content.utf8.count ?? 0) }
        .map { Order(provider: order.provider, limit: order.limit, picks: $0) }
    }.flatMap { order in
      let short = order.picks.filter { contents[$0.unit]?.expiresAt.map { $0 < deadline } ?? false }
      guard !short.isEmpty, order.picks.count > 1 else { return [order] }
      let alone = Set(short.map(\.unit))
      let rest = order.picks.filter { !alone.contains($0.unit) }
      return ([rest] + short.map { [$0] }).filter { !$0.isEmpty }
        .map { Order(provider: order.provider, limit: order.limit, picks: $0) }
    }
  }

  private struct Content {
    var phone: String
    var content: String
    var requestID: String?
    var expiresAt: Timestamp?
    /// `nil` for never.
    var throttles: Int?

    init(_ row: PostgresRow, phone: String) throws {
      self.phone = phone
      content = try row.decode("content")
      requestID = try row.decode("request_id")
      expiresAt = try row.decode("expires_at", as: Date?.self).map(Timestamp.init)
    }
  }

  /// Moves the cursor of each message once over all of its picks, and makes their unit rows.
  private func advanceCursors(
    _ picks: [DispatchPick], _ connection: PostgresConnection
  ) async throws -> [UnitID: Content] {
    var ranges: [MessageID: Range<Int>] = [:]
    for case .fresh(let unit) in picks.map(\.source) {
      let range = ranges[unit.messageID] ?? unit.index..<unit.index
      ranges[unit.messageID] = min(range.lowerBound, unit.index)..<max(range.upperBound, unit.index + 1)
    }
    guard !ranges.isEmpty else { return [:] }
    let ids = ranges.keys.sorted()
    let rows = try await connection.query(
      """
      UPDATE scheduler.messages m SET cursor = p.until_index
      FROM unnest(
          \(ids.map(\.uuid)), \(ids.map { ranges[$0]?.lowerBound ?? 0 }), \(ids.map { ranges[$0]?.upperBound ?? 0 }))
        AS p(message_id, from_index, until_index)
      WHERE m.message_id = p.message_id AND m.cursor = p.from_index AND m.is_due AND NOT m.is_paused
      RETURNING m.message_id, m.content, m.request_id, m.expires_at, p.from_index,
        m.recipients[p.from_index + 1 : p.until_index] AS phones
      """)
    var contents: [UnitID: Content] = [:]
    for row in rows {
      let messageID = try MessageID(row)
      let first: Int = try row.decode("from_index")
      for (offset, phone) in try row.decode("phones", as: [String].self).enumerated() {
        contents[UnitID(messageID: messageID, index: first + offset)] = try Content(row, phone: phone)
      }
    }
    let units = contents.keys.map { ($0.messageID.uuid, $0.index) }
    try await connection.query(
      """
      INSERT INTO scheduler.units (message_id, unit_index, dispatch, state)
      SELECT u.message_id, u.unit_index, 0, 'sending'
      FROM unnest(\(units.map(\.0)), \(units.map(\.1))) AS u(message_id, unit_index)
      """)
    return contents
  }

  /// Takes units that came back into their next dispatch.
  private func reopen(_ picks: [DispatchPick], _ connection: PostgresConnection) async throws -> [UnitID: Content] {
    let returned = picks.compactMap { if case .returned(let unit) = $0.source { unit } else { nil } }
    guard !returned.isEmpty else { return [:] }
    let rows = try await connection.query(
      """
      UPDATE scheduler.units u SET state = 'sending', dispatch = p.next_dispatch, due_at = NULL
      FROM unnest(
          \(returned.map(\.unit.messageID.uuid)), \(returned.map(\.unit.index)), \(returned.map(\.expectedDispatch)),
          \(returned.map(\.expectedState.rawValue)), \(returned.map(\.nextDispatch)))
        AS p(message_id, unit_index, dispatch, state, next_dispatch)
      JOIN scheduler.messages m USING (message_id)
      LEFT JOIN scheduler.replayed r USING (message_id, unit_index)
      WHERE u.message_id = p.message_id AND u.unit_index = p.unit_index AND u.dispatch = p.dispatch
        AND u.state = p.state
      RETURNING u.message_id, u.unit_index, u.throttles, coalesce(r.content, m.content) AS content, m.request_id,
        CASE WHEN r.replay_id IS NULL THEN m.expires_at ELSE r.expires_at END AS expires_at,
        coalesce(r.phone, m.recipients[p.unit_index + 1]) AS phone
      """)
    var contents: [UnitID: Content] = [:]
    for row in rows {
      let unit = try UnitID(row)
      var content = try Content(row, phone: try row.decode("phone"))
      let throttles: Int = try row.decode("throttles")
      content.throttles = throttles > 0 ? throttles : nil
      contents[unit] = content
    }
    return contents
  }

  private func insertAttempts(
    _ commands: [IssuedCommand], at now: Timestamp, _ connection: PostgresConnection
  ) async throws {
    let attempts = commands.flatMap { command in command.command.attempts.map { (command, $0) } }
    try await connection.query(
      """
      INSERT INTO scheduler.attempts
        (message_id, unit_index, dispatch, provider, command_id, cost, issued_at, not_after_at)
      SELECT a.message_id, a.unit_index, a.dispatch, a.provider, a.command_id, a.cost, \(now.date), a.not_after_at
      FROM unnest(
          \(attempts.map(\.1.id.messageID.uuid)), \(attempts.map(\.1.id.index)), \(attempts.map(\.1.id.dispatch)),
          \(attempts.map(\.0.command.provider)), \(attempts.map(\.0.id.uuid)), \(attempts.map(\.1.cost)),
          \(attempts.map(\.0.command.notAfter.date)))
        AS a(message_id, unit_index, dispatch, provider, command_id, cost, not_after_at)
      """)
  }

  private func store(
    _ tags: [FlowTags], _ clocks: [String: ProviderClock], _ connection: PostgresConnection
  ) async throws {
    let tags = tags.sorted { $0.flowID < $1.flowID }
    try await connection.query(
      """
      WITH clocks AS (UPDATE scheduler.clocks SET clocks = \(try Self.text(clocks)))
      UPDATE scheduler.flows f SET tags = t.tags
      FROM unnest(\(tags.map(\.flowID)), \(try tags.map { try Self.text($0.tags) })) AS t(flow_id, tags)
      WHERE f.flow_id = t.flow_id
      """)
  }

  private static func text(_ value: some Encodable) throws -> String {
    String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
  }
}
