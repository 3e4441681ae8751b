import Contracts
import Logging
import ServiceKit

/// Writes attempts' endings to the ledger and reports them; what ends meanwhile goes with the next write.
///
/// It never gives up on an ending while the process lives: a real answer is worth more than an orphan's `unknown`.
actor EndingWriter {
  private let gate: Gate
  private let provider: String
  private let reporter: OutcomeReporter
  private let logger: Logger
  private var endings: [Gate.Ending] = []
  private var stale: [AttemptID] = []
  private var repeats: [AttemptID] = []
  private var isWriting = false

  init(gate: Gate, provider: String, reporter: OutcomeReporter, logger: Logger) {
    self.gate = gate
    self.provider = provider
    self.reporter = reporter
    self.logger = logger
  }

  /// An attempt that was carried out. Returns when it, or a batch before it, has been written and reported.
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
  func reportAgain(_ attempts: [AttemptID]) async {
    repeats += attempts
    await write()
  }

  /// Whoever finds nobody writing writes for all; the others' work is taken along.
  private func write() async {
    guard !isWriting else { return }
    isWriting = true
    defer { isWriting = false }
    var backoff = Backoff(minimum: .milliseconds(50), maximum: .seconds(2))
    while !(endings.isEmpty && stale.isEmpty && repeats.isEmpty) {
      let (ended, expired, again) = (endings, stale, repeats)
      (endings, stale, repeats) = ([], [], [])
      do {
        try await gate.finish(ended, provider: provider)
        try await gate.expire(expired)
        try await reporter.report(ended.map(\.attempt) + expired + again)
        backoff.reset()
      } catch {
        (endings, stale, repeats) = (ended + endings, expired + stale, again + repeats)
        logger.warning("endings not written, trying again", metadata: ["provider": "\(provider)", "error": "\(error)"])
        // Cancellation ends the wait; the ledger row is then taken over as an orphan.
        guard (try? await Task.sleep(for: backoff.next())) != nil else { return }
      }
    }
  }
}
