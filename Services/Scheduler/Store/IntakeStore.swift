import Contracts
import Foundation
import Metering
import Postgres
import ServiceKit

/// Takes accepted messages into the backlog, each once however often it is delivered.
struct IntakeStore: Sendable {
  var term: LeaderTerm

  /// What a batch added.
  struct Result: Sendable {
    /// Messages that were new.
    var count = 0
    /// Messages that wait from now on, in their flows' order; scheduled ones are not among them.
    var admitted: [QueueEntry] = []
    /// What commands changed that had overtaken their messages.
    var changes: [MessageStore.Changes] = []
    /// When the next of these starts and expires.
    var times = SweepStore.Times()
    var outbox: [OutboxEntry] = []
  }

  /// Stores a batch in one transaction, with its `message.queued` fact.
  func add(_ accepted: [Envelope<MessageAccepted>]) async throws -> Result {
    try await term.transaction { connection, now in
      let known = Set(
        try await connection.query(
          """
          SELECT message_id FROM scheduler.messages
          WHERE message_id = ANY(\(accepted.map(\.body.messageID.uuid)))
          """
        ).map(MessageID.init))
      var seen = known
      let fresh = accepted.filter { !$0.body.recipients.isEmpty && seen.insert($0.body.messageID).inserted }
      guard !fresh.isEmpty else { return Result() }
      var flows = try await numbered(fresh, connection)
      var result = Result()
      result.count = fresh.count
      let queued = try await insert(fresh, &flows, &result, at: now, connection)
      var facts = Outbox.Draft()
      try facts.add(MessagesQueued(messages: queued, queuedAt: now), at: now)
      result.changes = try await CommandStore.applyEarly(
        to: fresh.map(\.body.messageID), connection, at: now, facts: &facts)
      if let late = try await UserCancellationStore.applyLate(
        to: fresh.map(\.body), connection, at: now, facts: &facts)
      {
        result.changes.append(late)
      }
      result.outbox = try await Outbox.insert(facts, connection)
      Failpoint.reach(.intakeUncommitted)
      return result
    }
  }

  private struct Numbering {
    var id: Int64
    var weight: Double
    var nextNumber: Int64
  }

  /// Makes the flows known and reserves their numbers.
  private func numbered(
    _ messages: [Envelope<MessageAccepted>], _ connection: PostgresConnection
  ) async throws -> [FlowKey: Numbering] {
    var counts: [FlowKey: (count: Int, weight: Double)] = [:]
    for message in messages.map(\.body) {
      counts[message.flow, default: (0, 1)].count += message.recipients.count
      counts[message.flow]?.weight = max(message.weight, 0.001)
    }
    // Sorted, so that no two transactions ever lock flows in different orders.
    let keys = counts.keys.sorted(by: <)
    let rows = try await connection.query(
      """
      INSERT INTO scheduler.flows AS f (class, user_id, provider, weight, next_number)
      SELECT * FROM unnest(
        \(keys.map(\.messageClass.rawValue)), \(keys.map(\.userID.uuid)), \(keys.map(\.providersText)),
        \(keys.map { counts[$0]?.weight ?? 1 }), \(keys.map { Int64(counts[$0]?.count ?? 0) }))
      ON CONFLICT (class, user_id, provider) DO UPDATE
        SET weight = excluded.weight, next_number = f.next_number + excluded.next_number
      RETURNING flow_id, class, user_id, provider, weight, next_number
      """)
    var flows: [FlowKey: Numbering] = [:]
    for row in rows {
      let key = try FlowKey(row)
      flows[key] = Numbering(
        id: try row.decode("flow_id"), weight: try row.decode("weight"),
        nextNumber: try row.decode("next_number", as: Int64.self) - Int64(counts[key]?.count ?? 0))
    }
    return flows
  }

  private func insert(
    _ messages: [Envelope<MessageAccepted>], _ flows: inout [FlowKey: Numbering], _ result: inout Result,
    at now: Timestamp, _ connection: PostgresConnection
  ) async throws -> [MessagesQueued.Entry] {
    var queued: [MessagesQueued.Entry] = []
    for message in messages.map(\.body) {
      guard var numbering = flows[message.flow] else { continue }
      let entry = MessagesQueued.Entry(
        messageID: message.messageID, flowID: numbering.id, firstNumber: numbering.nextNumber,
        total: message.recipients.count)
      queued.append(entry)
      numbering.nextNumber += Int64(entry.total)
      flows[message.flow] = numbering
      if let sendAt = message.sendAt, sendAt > now {
        result.times.start = min(result.times.start ?? sendAt, sendAt)
      } else {
        result.admitted.append(
          QueueEntry(
            flow: message.flow, flowID: numbering.id, weight: numbering.weight,
            span: MessageSpan(
              messageID: message.messageID, firstNumber: entry.firstNumber, cursor: 0, total: entry.total,
              segments: message.segments, allowed: message.providers)))
      }
      if let expiresAt = message.expiresAt { result.times.expiry = min(result.times.expiry ?? expiresAt, expiresAt) }
    }
    let bodies = messages.map(\.body)
    try await connection.query(
      """
      INSERT INTO scheduler.messages
        (message_id, flow_id, first_number, content, recipients, total, segments, encoding, reference, request_id,
         traceparent, accepted_at, queued_at, expires_at, send_at, is_due, providers)
      SELECT m.message_id, m.flow_id, m.first_number, m.content, string_to_array(m.recipients, ','), m.total,
             m.segments, m.encoding, m.reference, m.request_id, m.traceparent, m.accepted_at, \(now.date), m.expires_at,
             m.send_at, coalesce(m.send_at <= \(now.date), true), string_to_array(m.providers, ',')
      FROM unnest(
          \(queued.map(\.messageID.uuid)), \(queued.map(\.flowID)), \(queued.map(\.firstNumber)),
          \(bodies.map(\.content)), \(bodies.map { $0.recipients.joined(separator: ",") }), \(queued.map(\.total)),
          \(bodies.map(\.segments)), \(bodies.map(\.encoding)), \(bodies.map(\.reference)),
          \(messages.map(\.header.requestID)), \(messages.map(\.header.traceparent)),
          \(bodies.map(\.acceptedAt.date)), \(bodies.map { $0.expiresAt?.date }),
          \(bodies.map { $0.sendAt?.date }), \(bodies.map { $0.providers?.joined(separator: ",") }))
        AS m(message_id, flow_id, first_number, content, recipients, total, segments, encoding, reference, request_id,
             traceparent, accepted_at, expires_at, send_at, providers)
      """)
    return queued
  }
}

extension MessageAccepted {
  /// The flow that the message joins.
  var flow: FlowKey {
    FlowKey(messageClass: messageClass, userID: userID, provider: provider, allowed: providers)
  }
}
