import Contracts
import Foundation
import Postgres

/// Facts written in the transaction that they tell of, so that neither exists without the other.
struct Outbox: Sendable {
  /// Facts to be added by one transaction.
  struct Draft: Sendable {
    private(set) var types: [String] = []
    private(set) var ids: [EnvelopeID] = []
    private(set) var bodies: [String] = []

    mutating func add<Body: Payload>(_ body: Body, at time: Timestamp, requestID: String? = nil) throws {
      let envelope = Envelope(body, at: time, requestID: requestID)
      types.append(Body.type.rawValue)
      ids.append(envelope.header.id)
      bodies.append(String(decoding: try Wire.encode(envelope), as: UTF8.self))
    }

    /// Far below what the broker takes (16 MiB from RabbitMQ 4.0 on), and no reader holds up its others for long.
    private static let bytes = 256 << 10

    /// Adds changes of units, in facts that are far smaller than what the broker takes.
    mutating func add(_ changes: [UnitChange], at time: Timestamp, requestID: String? = nil) throws {
      for chunk in changes.chunks(of: 256, bytes: Self.bytes, size: \.wireSize) {
        try add(UnitsChanged(units: chunk), at: time, requestID: requestID)
      }
    }

    /// Adds dead units with their histories, likewise.
    mutating func add(_ letters: [UnitsDead.Entry], at time: Timestamp) throws {
      for chunk in letters.chunks(of: 32, bytes: Self.bytes, size: \.wireSize) {
        try add(UnitsDead(units: chunk), at: time)
      }
    }
  }

  /// Writes the facts; they may be published once the transaction has committed.
  static func insert(_ draft: Draft, _ connection: PostgresConnection) async throws -> [OutboxEntry] {
    guard !draft.ids.isEmpty else { return [] }
    let rows = try await connection.query(
      """
      INSERT INTO scheduler.outbox (type, envelope_id, body)
      SELECT * FROM unnest(\(draft.types), \(draft.ids.map(\.uuid)), \(draft.bodies))
        AS f(type, envelope_id, body)
      RETURNING outbox_id, envelope_id
      """)
    let places = Dictionary(uniqueKeysWithValues: draft.ids.enumerated().map { ($1, $0) })
    return try rows.compactMap { row in
      let id = EnvelopeID(try row.decode("envelope_id", as: UUID.self))
      guard let place = places[id] else { return nil }
      return OutboxEntry(
        id: try row.decode("outbox_id"), type: draft.types[place], envelopeID: id, body: Array(draft.bodies[place].utf8)
      )
    }
  }

  /// The newest fact that nobody has confirmed; `nil` when there is none.
  static func lastID(pool: PostgresPool) async throws -> Int64? {
    try await pool.query("SELECT max(outbox_id) AS id FROM scheduler.outbox").first?.decode("id")
  }

  /// The oldest facts that nobody has confirmed, between two of them.
  static func load(
    limit: Int, after first: Int64 = 0, upTo last: Int64, pool: PostgresPool
  ) async throws -> [OutboxEntry] {
    try await pool.query(
      """
      SELECT outbox_id, type, envelope_id, body FROM scheduler.outbox
      WHERE outbox_id > \(first) AND outbox_id <= \(last)
      ORDER BY outbox_id LIMIT \(limit)
      """
    ).map { row in
      OutboxEntry(
        id: try row.decode("outbox_id"), type: try row.decode("type"),
        envelopeID: EnvelopeID(try row.decode("envelope_id", as: UUID.self)),
        body: Array(try row.decode("body", as: String.self).utf8))
    }
  }

  /// Forgets facts that the broker has confirmed.
  static func delete(_ ids: [Int64], pool: PostgresPool) async throws {
    guard !ids.isEmpty else { return }
    try await pool.query("DELETE FROM scheduler.outbox WHERE outbox_id = ANY(\(ids))")
  }
}

extension UnitChange {
  /// About how many bytes it takes in a fact.
  fileprivate var wireSize: Int { 400 + (reply?.body.utf8.count ?? 0) + (errorMessage?.utf8.count ?? 0) }
}

extension UnitsDead.Entry {
  /// About how many bytes it takes in a fact.
  fileprivate var wireSize: Int {
    attempts.reduce(700 + content.utf8.count) { $0 + 250 + ($1.reply?.body.utf8.count ?? 0) }
  }
}
