import Contracts
import Foundation
import Postgres

/// The answer to a command about single units, as it comes about.
struct UnitAnswer: Sendable {
  var header: EnvelopeHeader
  private var counts = UnitCounts()
  private var refusals: [CommandAnswered.Refusal] = []

  init(header: EnvelopeHeader) { self.header = header }

  /// The command has applied to so many units, which are in this state now.
  mutating func count(_ units: Int, _ state: UnitState) { counts[state] += units }

  mutating func refuse(_ unit: UnitID, _ reason: String) {
    refusals.append(CommandAnswered.Refusal(unit: unit, reason: reason))
  }

  /// Refuses units that were not where the command expected them.
  mutating func refuse(_ units: [UnitID], _ connection: PostgresConnection) async throws {
    guard !units.isEmpty else { return }
    let known = Set(
      try await connection.query(
        """
        SELECT u.message_id, u.unit_index
        FROM unnest(\(units.map(\.messageID.uuid)), \(units.map(\.index))) AS p(message_id, unit_index)
        JOIN scheduler.units u USING (message_id, unit_index)
        """
      ).map(UnitID.init))
    for unit in units { refuse(unit, known.contains(unit) ? "wrong_state" : "not_found") }
  }

  /// True when the command has applied to nothing.
  var isEmpty: Bool { counts.total == 0 }

  /// Done when it applied to a unit, else refused, for the reason of the first one.
  var body: CommandAnswered {
    CommandAnswered(
      commandID: header.id, command: header.type, result: isEmpty ? .refused : .done,
      reason: isEmpty ? refusals.first?.reason : nil, counts: isEmpty ? nil : counts,
      refusals: refusals.isEmpty ? nil : refusals)
  }

  /// Refused as a whole.
  func refused(_ reason: String) -> CommandAnswered {
    CommandAnswered(commandID: header.id, command: header.type, result: .refused, reason: reason)
  }
}

/// Answers that are kept with their commands: who asks again, since the first one was lost, is told the same.
enum KeptAnswer {
  /// Adds the answer to a command that has just been carried out.
  static func add(
    _ answer: CommandAnswered, to header: EnvelopeHeader, _ facts: inout Outbox.Draft, at now: Timestamp,
    _ connection: PostgresConnection
  ) async throws {
    let text = String(decoding: try JSONEncoder().encode(answer), as: UTF8.self)
    try await connection.query(
      "UPDATE scheduler.inbox SET answer = \(text) WHERE command_id = \(header.id.uuid)")
    try facts.add(answer, at: now, requestID: header.requestID)
  }

  /// The answer to a command that was carried out before, once more.
  static func again(
    _ header: EnvelopeHeader, at now: Timestamp, _ connection: PostgresConnection
  ) async throws -> [OutboxEntry] {
    let row = try await connection.query(
      "SELECT answer FROM scheduler.inbox WHERE command_id = \(header.id.uuid)"
    ).first
    guard let text = try row?.decode("answer", as: String?.self) else { return [] }
    var facts = Outbox.Draft()
    try facts.add(
      try JSONDecoder().decode(CommandAnswered.self, from: Data(text.utf8)), at: now, requestID: header.requestID)
    return try await Outbox.insert(facts, connection)
  }
}
