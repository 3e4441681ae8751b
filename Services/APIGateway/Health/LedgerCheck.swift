import Contracts
import Foundation
import Postgres

/// Whether what was accepted is all accounted for: what the projector finds when it compares itself with the scheduler.
actor LedgerCheck {
  enum Finding: Sendable, Equatable {
    case balanced
    /// Something does not add up for longer than a recovery takes.
    case unbalanced(kinds: [String], messages: [MessageID])
    /// Nothing has been compared for long, or ever, but this gateway has just started: it may be about to happen.
    case awaited(since: Timestamp?)
    /// Nothing has been compared for long, or ever: what is found says nothing.
    case notCompared(since: Timestamp?, isReadSideBehind: Bool)
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
  /// How far the comparison has come, by the database's clock.
  struct Progress: Sendable {
    /// The scheduler takes a count every ten seconds; a comparison older than this has stopped.
    static let limit = Duration.seconds(120)

    /// The newest count of the scheduler's that was compared; `nil` when none ever was.
    var comparedAt: Timestamp?
    /// The newest fact that the read side knows.
    var readTo: Timestamp?
    var now: Timestamp

    /// What it means that nothing was found wrong.
    /// - Parameter uptime: This gateway's: it may have started with everything else.
    func finding(uptime: Duration) -> Finding {
      if let comparedAt, now - comparedAt <= Self.limit { return .balanced }
      guard uptime > Self.limit else { return .awaited(since: comparedAt) }
      let isReadSideBehind = readTo.map { now - $0 > Self.limit } ?? true
      return .notCompared(since: comparedAt, isReadSideBehind: isReadSideBehind)
    }
  }

  /// Reads what the projector publishes.
  init(pool: PostgresPool, startedAt: ContinuousClock.Instant = .now) {
    self.init {
      // First, so that what is found next is no older.
      let progress = try await pool.query(
        """
        SELECT sluice.clock() AS now_at, (SELECT marked_at FROM projection.ledger_comparison_read) AS compared_at,
          (SELECT log_time FROM projection.progress_read) AS read_to
        """
      ).first
      let rows = try await pool.query("SELECT kind, message_ids FROM projection.ledger_read WHERE is_error")
      guard !rows.isEmpty else {
        guard let progress, let now = try progress.decodeTime("now_at") else { return .unknown }
        return Progress(
          comparedAt: try progress.decodeTime("compared_at"), readTo: try progress.decodeTime("read_to"), now: now
        ).finding(uptime: .now - startedAt)
      }
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
    case .awaited(let time): Readiness.Check(name: "ledger", isHealthy: true, message: Self.notCompared(time))
    case .notCompared(let time, let isReadSideBehind):
      Readiness.Check(
        name: "ledger", isHealthy: false,
        message: "unknown: \(Self.notCompared(time)), "
          + (isReadSideBehind ? "the read side is behind" : "the scheduler's counts are missing"))
    case .unbalanced(let kinds, let messages):
      Readiness.Check(
        name: "ledger", isHealthy: false, message: "does not balance for a minute: \(kinds.joined(separator: ", "))",
        messageIDs: messages)
    case .unknown: Readiness.Check(name: "ledger", isHealthy: false, message: "unknown: the database does not answer")
    }
  }

  private static func notCompared(_ time: Timestamp?) -> String {
    time.map { "not compared since \($0)" } ?? "not compared yet"
  }
}
