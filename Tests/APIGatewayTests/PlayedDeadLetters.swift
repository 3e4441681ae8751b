import AMQP
import Contracts
import Foundation
import Postgres

@testable import APIGateway

/// Does with letters what a command says, and answers it, like the dead-letter service together with the scheduler.
struct PlayedDeadLetters: Sendable {
  let pool: PostgresPool

  /// - Returns: `nil` for a command of another service.
  func carryOut(_ message: [UInt8]) async throws -> CommandAnswered? {
    let header = try Wire.header(of: message)
    let counts: CommandAnswered.LetterCounts?
    switch header.type {
    case .deadLetterReplay: counts = try await replay(try Wire.decode(from: message).body, header)
    case .deadLetterAbandon:
      let body = try Wire.decode(DeadLetterAbandon.self, from: message).body
      counts = try await close(body.selection, from: "dead", to: ("abandoned", "failed", "abandoned"))
    case .deadLetterSettle:
      let body = try Wire.decode(DeadLetterSettle.self, from: message).body
      counts = try await close(body.selection, from: "unconfirmed", to: ("settled", body.verdict.rawValue, "settled"))
    case .deadLetterCancel: counts = try await cancel(try Wire.decode(from: message).body, header)
    case .poisonReturn:
      counts = try await close(try Wire.decode(PoisonReturn.self, from: message).body.letterID, to: "retried")
    case .poisonDrop:
      counts = try await close(try Wire.decode(PoisonDrop.self, from: message).body.letterID, to: "abandoned")
    default: return nil
    }
    return CommandAnswered(commandID: header.id, command: header.type, result: .done, letters: counts)
  }

  private func replay(_ order: DeadLetterReplay, _ header: EnvelopeHeader) async throws
    -> CommandAnswered.LetterCounts
  {
    let selection = order.selection
    let rows = try await pool.query(
      """
      UPDATE dead_letter.letters SET state = 'replaying', replay_id = \(header.id.uuid)
      WHERE state = 'pending' AND (\(selection.ids?.map(\.uuid)) IS NULL OR letter_id = ANY (\(selection.ids?.map(\.uuid))))
        AND (\(selection.errorType) IS NULL OR error_type = \(selection.errorType))
      RETURNING letter_id, segments
      """)
    guard !rows.isEmpty else { return .init(applied: 0, refused: selection.ids?.count ?? 0, segments: 0) }
    let letters = try rows.map { (id: EnvelopeID(try $0.decode("letter_id", as: UUID.self)), result: String?.none) }
    try await DeadLetterTables.insertRequest(
      header.id.uuid, letters: letters, reason: order.actor.reason, into: pool)
    return .init(
      applied: rows.count, refused: (selection.ids?.count ?? rows.count) - rows.count,
      segments: try rows.reduce(0) { $0 + (try $1.decode("segments", as: Int.self)) },
      replayID: ReplayID(header.id.uuid))
  }

  private func close(
    _ selection: LetterSelection, from unit: String, to end: (state: String, unit: String, reason: String)
  ) async throws -> CommandAnswered.LetterCounts {
    let count = try await pool.query(
      """
      UPDATE dead_letter.letters
      SET state = \(end.state), unit_state = \(end.unit), close_reason = \(end.reason), closed_at = sluice.clock()
      WHERE state = 'pending' AND unit_state = \(unit)
        AND (\(selection.ids?.map(\.uuid)) IS NULL OR letter_id = ANY (\(selection.ids?.map(\.uuid))))
      """
    ).affected
    return .init(applied: count, refused: (selection.ids?.count ?? count) - count)
  }

  private func close(_ poison: EnvelopeID, to state: String) async throws -> CommandAnswered.LetterCounts {
    let count = try await pool.query(
      """
      UPDATE dead_letter.poison SET state = \(state), closed_at = sluice.clock()
      WHERE poison_id = \(poison.uuid) AND state = 'pending'
      """
    ).affected
    return .init(applied: count, refused: 1 - count)
  }

  private func cancel(
    _ order: DeadLetterCancel, _ header: EnvelopeHeader
  ) async throws -> CommandAnswered.LetterCounts {
    try await DeadLetterTables.insertCancellation(
      header.id.uuid, of: order.replayID.uuid, by: order.actor, at: .now(), into: pool)
    let count = try await pool.query(
      "UPDATE dead_letter.letters SET state = 'pending' WHERE replay_id = \(order.replayID.uuid) AND state = 'replaying'"
    ).affected
    return .init(applied: count, refused: 0)
  }
}

extension GatewayFixture {
  /// Has commands about letters carried out from now on.
  /// - Parameter before: Done first, as by somebody who is quicker.
  func playDeadLetters(before: @escaping @Sendable () async throws -> Void = {}) {
    let service = PlayedDeadLetters(pool: pool)
    let answers = answers
    publisher.state.withLockedValue { state in
      state.consumer = { message in
        Task {
          try await before()
          if let answer = try await service.carryOut(message.body) { answers.take(answer) }
        }
      }
    }
  }

  /// Commands that were published.
  var published: Int { publisher.state.withLockedValue { $0.messages.count } }
}
