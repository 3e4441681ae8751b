import Contracts
import Logging
import ServiceKit

/// Writes attempts' endings to the ledger; what ends meanwhile goes with the next write. Reports follow by themselves.
///
/// It never gives up on an ending while the process lives: a real answer is worth more than an orphan's `unknown`. It does
/// not wait for the broker: what has been written and not reported is found in the ledger.
actor EndingWriter {
  private let gate: Gate
  private let provider: String
  private let reports: ReportQueue
  private let logger: Logger
  private var endings: [Gate.Ending] = []
  private var stale: [AttemptID] = []
  private var isWriting = false

  init(gate: Gate, provider: String, reports: ReportQueue, logger: Logger) {
    self.gate = gate
    self.provider = provider
    self.reports = reports
    self.logger = logger
  }

  /// An attempt that was carried out. Returns when it has been written, or another is writing it.
  func finish(_ ending: Gate.Ending) async {
    endings.append(ending)
    await write()
  }

  /// An attempt whose claim went stale before its first byte.
  func expire(_ attempt: AttemptID) async {
    stale.append(attempt)
    await write()
  }

  /// Attempts that ended earlier and are asked for again.
  func reportAgain(_ attempts: [AttemptID]) { reports.add(attempts) }

  /// Whoever finds nobody writing writes for all.
  private func write() async {
    guard !isWriting else { return }
    isWriting = true
    defer { isWriting = false }
    var backoff = Backoff(minimum: .milliseconds(50), maximum: .seconds(2))
    while !(endings.isEmpty && stale.isEmpty) {
      let (ended, expired) = (endings, stale)
      (endings, stale) = ([], [])
      do {
        try await gate.finish(ended, provider: provider)
        try await gate.expire(expired)
        Failpoint.reach(.endingWritten)
        reports.add(ended.map(\.attempt) + expired)
        backoff.reset()
      } catch {
        (endings, stale) = (ended + endings, expired + stale)
        logger.warning(
          "endings not written, trying again", metadata: [LogKey.provider: "\(provider)", LogKey.error: "\(error)"])
        // Cancellation ends the wait; the ledger row is then taken over as an orphan.
        guard (try? await Task.sleep(for: backoff.next())) != nil else { return }
      }
    }
  }
}
