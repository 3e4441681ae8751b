import AMQP
import Contracts
import Logging
import Postgres
import ServiceKit

extension LeaderLoop {
  /// The loop waits no longer than this for a snapshot to be taken.
  private static let patience = Duration.milliseconds(500)

  /// Marks a cut through the facts now and then, and has the store counted as of it, beside the loop.
  func countLedger(_ group: inout ThrowingDiscardingTaskGroup<any Error>) async throws {
    guard ledger.begin(now: .now) else { return }
    let store = LedgerStore(term: term, pool: ledgerPool)
    let marked = try await store.mark()
    await relay.add(marked.outbox)
    let cut = LedgerCut()
    group.addTask { await self.count(store, marked.mark, cut) }
    await cut.wait(atMost: Self.patience)
  }

  /// Counts and tells the result, once: the next count follows.
  private nonisolated func count(_ store: LedgerStore, _ mark: EnvelopeID, _ cut: LedgerCut) async {
    do {
      if let counted = try await store.count(as: mark, onSnapshot: { cut.take() }) {
        try await publisher.publish(Envelope(counted), exchange: BrokerNames.events, timeout: .seconds(5))
      } else {
        logger.warning("ledger not counted: no snapshot in time")
      }
    } catch {
      // Whoever is deposed or cut off from the database finds out in the loop.
      if !Task.isCancelled { logger.warning("ledger not counted", metadata: [LogKey.error: "\(error)"]) }
    }
    cut.giveUp()
    await ledgerCounted()
  }

  private func ledgerCounted() { ledger.end(now: .now) }
}
