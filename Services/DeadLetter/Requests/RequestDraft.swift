import Contracts
import Foundation
import Postgres

/// A request before it is known what it applies to. Works within a transaction of its caller.
struct RequestDraft: Sendable {
  /// The command's own id: a repeat finds the request.
  var id: EnvelopeID
  var kind: RequestKind
  private var command: LetterCommand
  private var header: EnvelopeHeader

  init(_ command: LetterCommand, _ header: EnvelopeHeader) {
    id = header.id
    kind = command.kind
    self.command = command
    self.header = header
  }

  enum Insertion: Sendable {
    case new
    /// The command came before.
    case known
    /// An equal replay runs.
    case running(ReplayID)
  }

  func insert(_ connection: PostgresConnection) async throws -> Insertion {
    while true {
      if try await insert(connection, digest: digest, replayID: cancelled) { return .new }
      if try await isKnown(connection) { return .known }
      let running = try await connection.query(
        """
        SELECT request_id FROM dead_letter.requests WHERE digest = \(digest) AND kind = 'replay' AND ended_at IS NULL
        """
      ).first
      // None: it has ended meanwhile.
      if let running { return .running(ReplayID(try running.decode("request_id", as: UUID.self))) }
    }
  }

  /// Notes that nothing was done, so that a repeat after the other's end does nothing either.
  func insertWithoutEffect(_ running: ReplayID, _ connection: PostgresConnection) async throws {
    _ = try await insert(connection, digest: nil, replayID: running)
    try await end(refused: 0, because: nil, connection)
  }

  func refuse(_ reason: String, _ connection: PostgresConnection) async throws {
    try await end(refused: 0, because: reason, connection)
  }

  /// Ends a request that applies to nothing.
  func end(refused: Int, because reason: String?, _ connection: PostgresConnection) async throws {
    try await connection.query(
      """
      UPDATE dead_letter.requests
      SET refused = \(refused), refusal = \(reason), answered_at = sluice.clock(), ended_at = sluice.clock()
      WHERE request_id = \(id.uuid)
      """)
  }

  private func isKnown(_ connection: PostgresConnection) async throws -> Bool {
    try await connection.query("SELECT FROM dead_letter.requests WHERE request_id = \(id.uuid)").count > 0
  }

  private func insert(
    _ connection: PostgresConnection, digest: String?, replayID: ReplayID?
  ) async throws -> Bool {
    let actor = command.actor
    return try await connection.query(
      """
      INSERT INTO dead_letter.requests (
        request_id, kind, digest, actor_id, actor, reason, class, provider, expires_at, verdict, replay_id,
        http_request_id, traceparent, requested_at)
      VALUES (
        \(id.uuid), \(kind.rawValue), \(digest), \(actor.userID?.uuid), \(actor.name.storable),
        \(actor.reason?.storable), \(replay?.messageClass?.rawValue), \(replay?.provider?.storable),
        \(replay?.expiresAt?.date), \(verdict), \(replayID?.uuid), \(header.requestID?.storable),
        \(header.traceparent?.storable), sluice.clock())
      ON CONFLICT DO NOTHING
      """
    ).affected == 1
  }

  // MARK: What only some kinds have

  private var replay: DeadLetterReplay? { if case .replay(let replay) = command { replay } else { nil } }
  private var digest: String? { replay?.digest }
  private var cancelled: ReplayID? { if case .cancel(let cancel) = command { cancel.replayID } else { nil } }
  private var verdict: String? { if case .settle(let settle) = command { settle.verdict.rawValue } else { nil } }
}

extension DeadLetterReplay {
  /// The same for replays that ask for the same, whoever asks and why.
  var digest: String {
    var ids = selection.ids.map { Array(Set($0)).sorted().map(\.description).joined(separator: ",") } ?? "all"
    if let limit = selection.limit { ids += " \(limit)" }
    let parts: [String?] = [
      ids, selection.errorType, selection.provider, selection.userID?.description, selection.messageID?.description,
      selection.from?.description, selection.to?.description, (messageClass ?? .bulk).rawValue, provider,
      expiresAt?.description,
    ]
    // What is absent is not the same as what is empty.
    return EnvelopeID.derived(from: parts.map { part in part.map { [1] + Array($0.utf8) } ?? [] }).description
  }
}
