import Contracts
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
