import Contracts
import Logging
import Postgres
import ServiceKit

/// Knows repeats by the database, as long as it answers soon.
///
/// Sending does not depend on it: without the database a repeat publishes again, with the same id.
struct IdempotencyRegister: Sendable {
  let store: IdempotencyStore
  /// How long a request may be held up before it is published.
  var patience = Duration.milliseconds(500)
  /// How long after that; all of it has to fit into the 3 s of an answer.
  var shortPatience = Duration.milliseconds(250)

  /// - Returns: `nil` when the database cannot be asked.
  func claim(_ request: KeyedRequest, at now: Timestamp, _ logger: Logger) async throws -> KeyClaim? {
    try await asking(patience, logger) {
      guard let record = try await store.claim(request, at: now) else { return .wait(seconds: 1) }
      switch KeyClaim(record, bodyHash: request.bodyHash) {
      case .replay(var answer):
        answer.bytes = try request.open(answer.bytes)
        return .replay(answer)
      case let claim: return claim
      }
    }
  }

  /// Whether this was taken before; false when the database cannot be asked.
  func isKnown(_ request: KeyedRequest, _ logger: Logger) async throws -> Bool {
    try await asking(shortPatience, logger) { try await store.isKnown(request) } ?? false
  }

  /// Keeps the first answer. When that fails a repeat publishes again, with the same id.
  func keep(_ answer: KeyRecord.Answer, to request: KeyedRequest, _ logger: Logger) async {
    // Nothing that goes wrong here, being cancelled included, takes the promise back.
    _ = try? await asking(shortPatience, logger) {
      try await store.store(.init(status: answer.status, bytes: try request.seal(answer.bytes)), to: request)
    }
  }

  /// Lets a repeat publish at once. When that fails it may in some seconds.
  func release(_ request: KeyedRequest, _ logger: Logger) async {
    // The caller learns already that it was not confirmed.
    _ = try? await asking(shortPatience, logger) { try await store.release(request) }
  }

  private func asking<Result: Sendable>(
    _ limit: Duration, _ logger: Logger, _ question: @escaping @Sendable () async throws -> Result
  ) async throws -> Result? {
    do {
      return try await TimeLimit.run(limit, question)
    } catch let error as CancellationError {
      throw error
    } catch {
      // While the database is away this is so for every request; that it is away is said once, elsewhere.
      let isOurs = (error as? PostgresError).map { $0.code == .server || $0.code == .decoding } ?? false
      logger.log(
        level: isOurs ? .error : .debug, "Idempotency keys could not be asked", metadata: [LogKey.error: "\(error)"])
      return nil
    }
  }
}
