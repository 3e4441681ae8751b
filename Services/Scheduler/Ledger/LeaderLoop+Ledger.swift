import AMQP
import Contracts
import Logging
import Postgres
import ServiceKit

extension LeaderLoop {
  /// The loop waits no longer than this for a snapshot: one statement on a connection that is there.
  private static let patience = Duration.milliseconds(250)
  /// A count waits no longer than this for the loop's turn to end.
  private static let turn = Duration.seconds(5)

  /// Marks a cut through the facts now and then, and has the store counted as of it, beside the loop.
  ///
  /// Only a count that has its connection gets a mark: the loop never stands still for one to be made.
  func countLedger(_ group: inout ThrowingDiscardingTaskGroup<any Error>) async throws {
    let store = LedgerStore(term: term, pool: ledgerPool)
    if ledger.begin(now: .now) {
      let cut = LedgerCut()
      ledgerCut = cut
      group.addTask { await self.count(store, cut) }
    }
    guard let cut = ledgerCut, cut.isReady else { return }
    ledgerCut = nil
    ledger.mark(now: .now)
    let marked = try await store.mark()
    await relay.add(marked.outbox)
    cut.mark(marked.mark)
    await cut.wait(atMost: Self.patience)
  }

  /// Counts and tells the result, once: the next count follows.
  private nonisolated func count(_ store: LedgerStore, _ cut: LedgerCut) async {
    do {
      let counted = try await store.count {
        cut.ready()
        inbox.bell.ring()
        return await cut.marked(atMost: Self.turn)
      } onSnapshot: {
        cut.take()
      }
      if let counted {
        try await publisher.publish(Envelope(counted), exchange: BrokerNames.events, timeout: .seconds(5))
      } else if !Task.isCancelled {
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
