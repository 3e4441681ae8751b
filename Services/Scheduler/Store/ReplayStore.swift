import Contracts
import Foundation
import Metering
import Postgres

/// Carries out replays of dead letters, each once however often it is delivered.
struct ReplayStore: Sendable {
  var term: LeaderTerm
  /// The names of those that are configured.
  var providers: Set<String>

  /// Lets units wait again that are where their letters say, and refuses the others.
  func replay(_ order: UnitReplay, _ header: EnvelopeHeader) async throws -> CommandStore.Result {
    try await term.transaction { connection, now in
      guard try await CommandStore.isNew(header.id, connection, now) else {
        return CommandStore.Result(outbox: try await KeptAnswer.again(header, at: now, connection))
      }
      var facts = Outbox.Draft()
      var result = CommandStore.Result()
      var answer = UnitAnswer(header: header)
      if let reason = try await refusal(of: order, at: now, connection) {
        try await KeptAnswer.add(answer.refused(reason), to: header, &facts, at: now, connection)
      } else {
        let store = MessageStore(connection: connection, now: now)
        result.changes = try await carryOut(order, store, &facts, &answer)
        try await KeptAnswer.add(answer.body, to: header, &facts, at: now, connection)
      }
      result.outbox = try await Outbox.insert(facts, connection)
      return result
    }
  }

  /// Why a command is refused as a whole.
  private func refusal(
    of order: UnitReplay, at now: Timestamp, _ connection: PostgresConnection
  ) async throws -> String? {
    if order.units.isEmpty { return "empty" }
    if order.units.count > UnitReplay.unitLimit { return "too_many" }
    if let provider = order.provider, !providers.contains(provider) { return "unknown_provider" }
    if let expiresAt = order.expiresAt, expiresAt <= now { return "expired" }
    let isCancelled = try await connection.query(
      "SELECT 1 AS one FROM scheduler.cancelled_replays WHERE replay_id = \(order.replayID.uuid)"
    ).first
    return isCancelled == nil ? nil : "cancelled"
  }

  private func carryOut(
    _ order: UnitReplay, _ store: MessageStore, _ facts: inout Outbox.Draft, _ answer: inout UnitAnswer
  ) async throws -> MessageStore.Changes {
    let connection = store.connection
    let letters = Dictionary(order.units.map { ($0.unit, $0) }, uniquingKeysWith: { first, _ in first })
    let restored = RestoredMessages(connection: connection, now: store.now)
    let messages = try await messages(of: Array(letters.values), restored, store)
    var candidates: [UnitsDead.Entry] = []
    for letter in letters.values.sorted(by: { $0.unit < $1.unit }) {
      if let message = messages[letter.unit.messageID], let reason = refusal(of: order, message) {
        answer.refuse(letter.unit, reason)
      } else if messages[letter.unit.messageID] == nil, restored.isTooOld(letter) {
        answer.refuse(letter.unit, "too_old")
      } else {
        candidates.append(letter)
      }
    }
    let rows = try await connection.query(
      """
      UPDATE scheduler.units u
      SET state = 'pending', dispatch = u.dispatch + 1, attempts_used = 0, throttles = 0, failed_providers = '{}',
          is_resent = false, unsent = 0, unsent_since_at = NULL, due_at = NULL
      FROM unnest(
          \(candidates.map(\.unit.messageID.uuid)), \(candidates.map(\.unit.index)), \(candidates.map(\.dispatch)))
        AS p(message_id, unit_index, dispatch)
      JOIN scheduler.units old USING (message_id, unit_index)
      WHERE u.message_id = p.message_id AND u.unit_index = p.unit_index AND u.dispatch = p.dispatch
        AND u.state IN ('dead', 'unconfirmed')
      RETURNING u.message_id, u.unit_index, old.state, old.attempts_used, (
        SELECT max(a.dispatch) FROM scheduler.attempts a
        WHERE a.message_id = u.message_id AND a.unit_index = u.unit_index) AS last_attempt
      """)
    let units = try rows.map { row in
      Reopened(
        unit: try UnitID(row), state: try UnitState(row), attemptsUsed: try row.decode("attempts_used"),
        lastAttempt: try row.decode("last_attempt"))
    }
    let reopened = Set(units.map(\.unit))
    try await answer.refuse(candidates.map(\.unit).filter { !reopened.contains($0) }, connection)
    guard !units.isEmpty else { return MessageStore.Changes() }
    let flows = try await enter(units, order, letters, messages, connection)
    var deltas: [MessageID: UnitCounts] = [:]
    for unit in units { MessageCounts.note(unit.unit.messageID, from: unit.state, to: .pending, in: &deltas) }
    _ = try await MessageCounts.move(deltas, at: store.now, connection)
    let ids = deltas.keys.sorted()
    try await connection.query(
      """
      UPDATE scheduler.messages SET ended = NULL WHERE message_id = ANY(\(ids.map(\.uuid))) AND ended = 'cancelled'
      """)
    try facts.add(units.compactMap { unit in letters[unit.unit].map { unit.change($0, at: store.now) } }, at: store.now)
    try facts.add(
      LettersClosed(
        letters: units.compactMap { unit in
          letters[unit.unit].map { .init(unit: $0.unit, dispatch: $0.dispatch, state: .pending, reason: "replayed") }
        }), at: store.now)
    answer.count(units.count, .pending)
    let waiting = try await ReplayedUnits(connection: connection).waiting(of: ids).filter {
      reopened.contains($0.unit.unit) && messages[$0.unit.unit.messageID]?.isPaused == false
    }
    return MessageStore.Changes(flows: flows, returned: waiting)
  }

  /// The letters' messages, locked; those that are gone are made anew.
  private func messages(
    of letters: [UnitsDead.Entry], _ restored: RestoredMessages, _ store: MessageStore
  ) async throws -> [MessageID: MessageStore.Message] {
    func locked() async throws -> [MessageID: MessageStore.Message] {
      let messages = try await store.lock(Array(Set(letters.map(\.unit.messageID))))
      return Dictionary(messages.map { ($0.entry.span.messageID, $0) }, uniquingKeysWith: { $1 })
    }
    let known = try await locked()
    return try await restored.add(letters, known: known) ? try await locked() : known
  }

  private func refusal(of order: UnitReplay, _ message: MessageStore.Message) -> String? {
    // What comes back meanwhile is to be cancelled; until then the message cannot begin anew.
    if message.ended == .cancelled, message.counts.sending > 0 { return "cancelling" }
    if let provider = order.provider, let allowed = message.entry.span.allowed, !allowed.contains(provider) {
      return "provider_not_allowed"
    }
    // It would wait for ever.
    let provider = order.provider ?? message.entry.flow.provider
    let isKnown =
      provider.map(providers.contains) ?? message.entry.span.allowed.map { !providers.isDisjoint(with: $0) } ?? true
    return isKnown ? nil : "unknown_provider"
  }

  /// Notes the units as replayed, each in the flow that it goes by.
  private func enter(
    _ units: [Reopened], _ order: UnitReplay, _ letters: [UnitID: UnitsDead.Entry],
    _ messages: [MessageID: MessageStore.Message], _ connection: PostgresConnection
  ) async throws -> [MessageStore.Flow] {
    var weights: [FlowKey: Double] = [:]
    let keys = units.map { unit -> FlowKey? in
      guard let message = messages[unit.unit.messageID]?.entry else { return nil }
      let key = FlowKey(
        messageClass: order.messageClass ?? .bulk, userID: message.flow.userID,
        provider: order.provider, allowed: message.flow.providers ?? message.span.allowed)
      weights[key] = message.weight
      return key
    }
    let flows = try await ReplayFlows(connection: connection).make(weights)
    let sources = units.map { letters[$0.unit] }
    let isWhole = units.map { messages[$0.unit.messageID]?.form == .whole }
    try await connection.query(
      """
      INSERT INTO scheduler.replayed
        (message_id, unit_index, replay_id, died, from_state, attempts_used, flow_id, expires_at, phone, content, letter)
      SELECT p.message_id, p.unit_index, \(order.replayID.uuid), p.died, p.from_state, p.attempts_used, p.flow_id,
        \(order.expiresAt?.date), p.phone, p.content, p.letter
      FROM unnest(
          \(units.map(\.unit.messageID.uuid)), \(units.map(\.unit.index)), \(sources.map { $0?.dispatch ?? 0 }),
          \(units.map(\.state.rawValue)), \(units.map(\.attemptsUsed)),
          \(keys.map { $0.flatMap { flows[$0]?.id } ?? 0 }),
          \(zip(sources, isWhole).map { $1 ? nil : $0?.phone }), \(zip(sources, isWhole).map { $1 ? nil : $0?.content }),
          \(try sources.map { try $0.map(ReplayedUnits.text) ?? "" }))
        AS p(message_id, unit_index, died, from_state, attempts_used, flow_id, phone, content, letter)
      """)
    return Array(flows.values)
  }
}

/// A unit that a replay has taken out of its letter.
private struct Reopened: Sendable {
  var unit: UnitID
  /// Where it was.
  var state: UnitState
  var attemptsUsed: Int
  /// The last attempt that is known of.
  var lastAttempt: Int?

  /// A unit whose outcome nobody knows may arrive twice from now on; its last attempt says from when.
  func change(_ letter: UnitsDead.Entry, at now: Timestamp) -> UnitChange {
    let next = letter.dispatch + 1
    let doubtful = state == .unconfirmed ? lastAttempt : nil
    return UnitChange(
      attempt: AttemptID(unit: unit, dispatch: doubtful ?? next), state: .pending, dispatch: next, attemptsUsed: 0,
      provider: nil, finishedAt: now, mayBeDuplicate: doubtful == nil ? nil : true)
  }
}

extension UnitID {
  /// The order in which units are gone through.
  fileprivate static func < (left: UnitID, right: UnitID) -> Bool {
    (left.messageID, left.index) < (right.messageID, right.index)
  }
}
