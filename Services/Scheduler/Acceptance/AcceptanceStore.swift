import Contracts
import Foundation
import Metering
import Postgres

/// How far the scheduler has compared the log with its tables, and what it tells of messages itself.
struct AcceptanceStore: Sendable {
  var term: LeaderTerm

  static let tables = """
    CREATE TABLE scheduler.log_reading (
      singleton boolean NOT NULL DEFAULT true CONSTRAINT log_reading_pkey PRIMARY KEY
        CONSTRAINT log_reading_singleton_check CHECK (singleton),
      read_to timestamptz NOT NULL
    ) WITH (fillfactor = 70);
    COMMENT ON TABLE scheduler.log_reading IS
      'Everything that was accepted before this time was queued, or offered again.';
    """

  /// - Returns: What was accepted before is seen to; nil at the very first start.
  func readTo() async throws -> Timestamp? {
    try await term.transaction { connection, _ in
      try await connection.query("SELECT read_to FROM scheduler.log_reading").first
        .map { Timestamp(try $0.decode("read_to", as: Date.self)) }
    }
  }

  func save(readTo time: Timestamp) async throws {
    try await term.transaction { connection, _ in
      _ = try await connection.query(
        """
        INSERT INTO scheduler.log_reading (read_to) VALUES (\(time.date))
        ON CONFLICT (singleton) DO UPDATE SET read_to = excluded.read_to
        """)
    }
  }

  /// Tells of messages as their gateways should have: `message.accepted`, for the log alone.
  func tell(_ ids: [MessageID]) async throws -> [OutboxEntry] {
    try await term.transaction { connection, now in
      let rows = try await connection.query(
        """
        SELECT m.message_id, f.user_id, f.class, f.provider, f.weight, m.content, m.recipients, m.segments, m.encoding,
          m.providers, m.send_at, m.expires_at, m.reference, m.accepted_at, m.request_id
        FROM scheduler.messages m JOIN scheduler.flows f USING (flow_id)
        WHERE m.message_id = ANY(\(ids.map(\.uuid))) AND m.form = 'whole'
        """)
      var facts = Outbox.Draft()
      for row in rows {
        let flow = try FlowKey(row)
        try facts.add(
          MessageAccepted(
            messageID: try MessageID(row), userID: flow.userID, messageClass: flow.messageClass,
            content: try row.decode("content"), recipients: try row.decode("recipients"),
            segments: try row.decode("segments"), encoding: try row.decode("encoding"),
            weight: try row.decode("weight"), provider: flow.provider, providers: try row.decode("providers"),
            sendAt: try row.decode("send_at", as: Date?.self).map(Timestamp.init),
            expiresAt: try row.decode("expires_at", as: Date?.self).map(Timestamp.init),
            reference: try row.decode("reference"),
            acceptedAt: Timestamp(try row.decode("accepted_at", as: Date.self))),
          at: now, requestID: try row.decode("request_id"))
      }
      return try await Outbox.insert(facts, connection)
    }
  }
}
