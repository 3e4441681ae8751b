import Contracts
import Postgres

/// Settles units by somebody's word, each once and only from the state that its letter says.
struct SettleStore: Sendable {
  var term: LeaderTerm

  func settle(_ order: UnitSettle, _ header: EnvelopeHeader) async throws -> CommandStore.Result {
    try await term.transaction { connection, now in
      guard try await CommandStore.isNew(header.id, connection, now) else {
        return CommandStore.Result(outbox: try await KeptAnswer.again(header, at: now, connection))
      }
      var facts = Outbox.Draft()
      var answer = UnitAnswer(header: header)
      if order.units.isEmpty || order.units.count > UnitSettle.unitLimit {
        let reason = order.units.isEmpty ? "empty" : "too_many"
        try await KeptAnswer.add(answer.refused(reason), to: header, &facts, at: now, connection)
      } else {
        let store = MessageStore(connection: connection, now: now)
        try await carryOut(order, store, &facts, &answer)
        try await KeptAnswer.add(answer.body, to: header, &facts, at: now, connection)
      }
      return CommandStore.Result(outbox: try await Outbox.insert(facts, connection))
    }
  }

  private func carryOut(
    _ order: UnitSettle, _ store: MessageStore, _ facts: inout Outbox.Draft, _ answer: inout UnitAnswer
  ) async throws {
    let connection = store.connection
    let entries = Dictionary(order.units.map { ($0.unit, $0.dispatch) }, uniquingKeysWith: { first, _ in first })
    let units = entries.keys.sorted { ($0.messageID, $0.index) < ($1.messageID, $1.index) }
    _ = try await store.lock(Array(Set(units.map(\.messageID))))
    let (from, to) = (order.verdict.from, order.verdict.to)
    let rows = try await connection.query(
      """
      UPDATE scheduler.units u SET state = \(to.rawValue)
      FROM unnest(\(units.map(\.messageID.uuid)), \(units.map(\.index)), \(units.map { entries[$0] ?? 0 }))
        AS p(message_id, unit_index, dispatch)
      WHERE u.message_id = p.message_id AND u.unit_index = p.unit_index AND u.dispatch = p.dispatch
        AND u.state = \(from.rawValue)
      RETURNING u.message_id, u.unit_index, u.dispatch, u.attempts_used, (
        SELECT a.provider FROM scheduler.attempts a
        WHERE a.message_id = u.message_id AND a.unit_index = u.unit_index ORDER BY a.dispatch DESC LIMIT 1) AS provider
      """)
    var deltas: [MessageID: UnitCounts] = [:]
    let changes = try rows.map { row in
      var change = try store.change(row, to)
      // Of the attempts nothing new is known, but who had it last stays.
      change.provider = try row.decode("provider")
      if to == .failed { change.errorCode = order.verdict.reason }
      MessageCounts.note(change.attempt.messageID, from: from, to: to, in: &deltas)
      return change
    }
    let settled = Set(changes.map(\.attempt.unit))
    try await answer.refuse(units.filter { !settled.contains($0) }, connection)
    guard !changes.isEmpty else { return }
    answer.count(changes.count, to)
    let finished = try await MessageCounts.move(deltas, at: store.now, connection)
    try facts.add(changes, at: store.now)
    for chunk in changes.chunks(of: 256) {
      let letters = chunk.map {
        LettersClosed.Entry(
          unit: $0.attempt.unit, dispatch: $0.dispatch, state: to, reason: order.verdict.reason)
      }
      try facts.add(LettersClosed(letters: letters), at: store.now)
    }
    if !finished.isEmpty { try facts.add(MessagesFinished(messages: finished), at: store.now) }
  }
}

extension UnitSettle.Verdict {
  /// The only state that it applies to.
  fileprivate var from: UnitState {
    switch self {
    case .sent, .failed: .unconfirmed
    case .abandoned: .dead
    }
  }

  fileprivate var to: UnitState {
    switch self {
    case .sent: .sent
    case .failed, .abandoned: .failed
    }
  }

  /// Why the letter closes.
  fileprivate var reason: String {
    switch self {
    case .sent, .failed: "settled"
    case .abandoned: "abandoned"
    }
  }
}
