import Contracts
import Foundation
import Metering
import Postgres

/// What time alone does to messages: scheduled ones begin to wait, those past their expiry end.
struct SweepStore: Sendable {
  /// Messages in one transaction.
  static let batchSize = 256
  /// Units in one transaction, and so in one fact, but for one message that has more.
  static let unitLimit = 50_000

  var term: LeaderTerm

  /// When something is to be done next.
  struct Times: Sendable, Hashable {
    var start: Timestamp?
    var expiry: Timestamp?

    /// Takes in the times of new messages.
    mutating func include(_ other: Times) {
      start = [start, other.start].compactMap { $0 }.min()
      expiry = [expiry, other.expiry].compactMap { $0 }.min()
    }
  }

  /// When the next message starts and the next one expires.
  func times() async throws -> Times {
    try await term.transaction { connection, now in
      let row = try await connection.query(
        """
        SELECT (SELECT min(send_at) FROM scheduler.messages WHERE NOT is_due AND ended IS NULL) AS start_at,
          (SELECT min(expires_at) FROM scheduler.messages
           WHERE expires_at IS NOT NULL AND ended IS NULL AND finished_at IS NULL) AS expiry_at
        """
      ).first
      var times = Times(
        start: try row?.decode("start_at", as: Date?.self).map(Timestamp.init),
        expiry: try row?.decode("expiry_at", as: Date?.self).map(Timestamp.init))
      times.include(Times(expiry: try await ReplayedUnits(connection: connection).nextExpiry(now: now)))
      return times
    }
  }

  /// Lets messages wait whose time has come.
  /// - Returns: What joins the queue.
  func start() async throws -> MessageStore.Changes {
    try await term.transaction { connection, now in
      let ids = try await connection.query(
        """
        SELECT message_id FROM scheduler.messages WHERE NOT is_due AND ended IS NULL AND send_at <= \(now.date)
        ORDER BY send_at LIMIT \(Self.batchSize)
        """
      ).map(MessageID.init)
      let messages = try await MessageStore(connection: connection, now: now).lock(ids)
      try await connection.query(
        "UPDATE scheduler.messages SET is_due = true WHERE message_id = ANY(\(ids.map(\.uuid)))")
      return MessageStore.Changes(admitted: messages.filter { !$0.isPaused && $0.entry.span.rest > 0 }.map(\.entry))
    }
  }

  /// Ends messages past their expiry, and replayed units past theirs.
  func expire() async throws -> (changes: [MessageStore.Changes], outbox: [OutboxEntry]) {
    try await term.transaction { connection, now in
      let ids = try await connection.query(
        """
        SELECT message_id FROM (
          SELECT message_id, total, sum(total) OVER (ORDER BY expires_at, message_id) AS units FROM (
            SELECT message_id, total, expires_at FROM scheduler.messages
            WHERE expires_at IS NOT NULL AND ended IS NULL AND finished_at IS NULL AND expires_at <= \(now.date)
            ORDER BY expires_at LIMIT \(Self.batchSize)) due) counted
        WHERE units - total < \(Self.unitLimit)
        """
      ).map(MessageID.init)
      let store = MessageStore(connection: connection, now: now)
      var facts = Outbox.Draft()
      let ended = try await store.end(try await store.lock(ids), as: .expired, facts: &facts)
      let replayed = try await ReplayedUnits(connection: connection).expire(
        at: now, limit: UnitReplay.unitLimit, &facts)
      return ([ended.changes, replayed], try await Outbox.insert(facts, connection))
    }
  }
}
