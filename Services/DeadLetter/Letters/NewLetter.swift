import Contracts
import Foundation

/// A dead unit as it is stored.
struct NewLetter: Sendable {
  var id: EnvelopeID
  var entry: UnitsDead.Entry
  /// All attempts as a JSON array, oldest first.
  var attempts: String
  /// The provider of the last attempt.
  var provider: String?
  var lastAttemptAt: Timestamp?

  /// - Throws: `WireError` when the entry is not in a state of which there are letters.
  init(_ entry: UnitsDead.Entry) throws {
    switch entry.state {
    case .dead, .unconfirmed: break
    case .pending, .sending, .retrying, .expired, .cancelled, .failed, .sent:
      throw WireError(code: .malformed, message: ".state is neither dead nor unconfirmed")
    }
    id = LetterIDs.letter(entry.unit, dispatch: entry.dispatch)
    self.entry = entry
    let history = entry.attempts.sorted { $0.dispatch < $1.dispatch }
    attempts = try Self.json(history)
    provider = history.last?.provider.storable
    lastAttemptAt = history.last?.finishedAt
  }

  private static func json(_ history: [UnitsDead.Attempt]) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let storable = history.map { attempt in
      var attempt = attempt
      attempt.provider = attempt.provider.storable
      attempt.errorCode = attempt.errorCode?.storable
      if let reply = attempt.reply {
        attempt.reply = ProviderReply(status: reply.status, body: reply.body.storable)
      }
      return attempt
    }
    return String(decoding: try encoder.encode(storable), as: UTF8.self)
  }
}
