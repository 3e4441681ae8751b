import Contracts
import Foundation
import Postgres

/// Whether what was accepted is all accounted for: what the projector finds when it compares itself with the scheduler.
actor LedgerCheck {
  enum Finding: Sendable, Equatable {
    case balanced
    /// Something does not add up for longer than a recovery takes.
    case unbalanced(kinds: [String], messages: [MessageID])
    /// The read side could not be asked, or not in time.
    case unknown
  }

  /// For which an answer is given again.
  private static let age = Duration.seconds(2)
  private static let timeLimit = Duration.seconds(1)
  /// Messages that are named.
  private static let named = 20

  private let read: @Sendable () async throws -> Finding
  private var last: (finding: Finding, at: ContinuousClock.Instant)?
  private var asking: Task<Finding, Never>?

  init(read: @escaping @Sendable () async throws -> Finding) { self.read = read }

  /// As of the last two seconds; at most a second later. All who ask at once share one question.
  func finding() async -> Finding {
    if let last, .now - last.at < Self.age { return last.finding }
    if let asking { return await asking.value }
    let task = Task { [read] in
      do {
        return try await TimeLimit.run(Self.timeLimit) { try await read() }
      } catch {
        return Finding.unknown
      }
    }
    asking = task
    let finding = await task.value
    (last, asking) = ((finding, .now), nil)
    return finding
  }
}

extension LedgerCheck {
  /// Reads what the projector publishes.
  init(pool: PostgresPool) {
    self.init {
      let rows = try await pool.query("SELECT kind, message_ids FROM projection.ledger_read WHERE is_error")
      guard !rows.isEmpty else { return .balanced }
      let kinds = Set(try rows.map { try $0.decode("kind", as: String.self) })
      let messages = try rows.flatMap { try $0.decode("message_ids", as: [UUID].self).map(MessageID.init) }
      return .unbalanced(kinds: kinds.sorted(), messages: Array(messages.prefix(Self.named)))
    }
  }
}

extension LedgerCheck.Finding {
  /// As `/api/health` shows it.
  var check: Readiness.Check {
    switch self {
    case .balanced: Readiness.Check(name: "ledger", isHealthy: true, message: "all accepted SMS are accounted for")
    case .unbalanced(let kinds, let messages):
      Readiness.Check(
        name: "ledger", isHealthy: false, message: "does not balance for a minute: \(kinds.joined(separator: ", "))",
        messageIDs: messages)
    case .unknown: Readiness.Check(name: "ledger", isHealthy: false, message: "unknown: the database does not answer")
    }
  }
}
