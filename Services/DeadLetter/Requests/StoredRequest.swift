import Contracts
import Foundation
import Postgres

/// A request as it is stored, with what came of it so far.
struct StoredRequest: Sendable {
  var id: EnvelopeID
  var kind: RequestKind
  /// Of a cancellation the replay it takes back, of a replay that did nothing the equal one that ran.
  var replayID: ReplayID?
  /// What it applies to.
  var letters: Int
  var segments: Int
  var refused: Int
  var refusal: String?
  var isAnswered: Bool
  var isEnded: Bool
  var requestID: String?
  var traceparent: String?

  static func load(_ id: EnvelopeID, _ connection: PostgresConnection) async throws -> StoredRequest? {
    try await connection.query(
      """
      SELECT r.request_id, r.kind, r.replay_id, r.letters - coalesce(l.refused, 0) AS letters, r.segments,
        r.refused + coalesce(l.refused, 0) AS refused, coalesce(r.refusal, l.refusal) AS refusal,
        r.answered_at IS NOT NULL AS is_answered, r.ended_at IS NOT NULL AS is_ended, r.http_request_id, r.traceparent
      FROM dead_letter.requests r LEFT JOIN LATERAL (
        SELECT count(*) AS refused, min(substr(result, \(RequestResults.refusal.count + 1)::integer)) AS refusal
        FROM dead_letter.request_letters rl
        WHERE rl.request_id = r.request_id AND starts_with(rl.result, \(RequestResults.refusal))) l
        ON r.kind IN ('abandon', 'settle', 'return')
      WHERE r.request_id = \(id.uuid)
      """
    ).first.flatMap(StoredRequest.init)
  }

  private init?(_ row: PostgresRow) throws {
    guard let kind = RequestKind(rawValue: try row.decode("kind")) else { return nil }
    self.kind = kind
    id = EnvelopeID(try row.decode("request_id"))
    replayID = try row.decode("replay_id", as: UUID?.self).map(ReplayID.init)
    letters = try row.decode("letters")
    segments = try row.decode("segments")
    refused = try row.decode("refused")
    refusal = try row.decode("refusal")
    isAnswered = try row.decode("is_answered")
    isEnded = try row.decode("is_ended")
    requestID = try row.decode("http_request_id")
    traceparent = try row.decode("traceparent")
  }

  /// What whoever sent the command is told; `nil` while that is not known. The same whenever it is asked for.
  var answer: CommandAnswered? {
    let isRunning = kind == .replay && replayID != nil
    switch kind {
    case .replay: break
    case .cancel, .abandon, .settle, .return, .drop: if !isAnswered { return nil }
    }
    var counts = CommandAnswered.LetterCounts(applied: letters, refused: refused)
    switch kind {
    case .replay:
      counts.segments = segments
      counts.replayID = isRunning ? replayID : letters > 0 ? ReplayID(id.uuid) : nil
      counts.isRunning = isRunning ? true : nil
    case .cancel: counts.replayID = replayID
    case .abandon, .settle, .return, .drop: break
    }
    let isRefused = letters == 0 && refusal != nil
    return CommandAnswered(
      commandID: id, command: kind.type, result: isRefused ? .refused : .done, reason: isRefused ? refusal : nil,
      letters: counts)
  }

  /// The fact that says so. A repeat has the same id.
  var fact: Envelope<CommandAnswered>? {
    answer.map {
      Envelope(
        $0, id: LetterIDs.fact(.commandAnswered, causedBy: id), requestID: requestID, traceparent: traceparent)
    }
  }
}
