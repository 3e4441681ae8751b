import Contracts
import NIOConcurrencyHelpers
import ServiceKit

/// Where a count and the leader's loop meet: the count gets its connection, the loop marks, the count takes its snapshot.
///
/// The loop stands still from the mark to the snapshot and at no other time. A snapshot that comes after the loop has
/// gone on is of no use: it would hold what was said after the mark.
final class LedgerCut: Sendable {
  private struct State {
    var isReady = false
    var mark: EnvelopeID?
    var isTaken = false
    var isGivenUp = false
  }

  private let state = NIOLockedValueBox(State())
  private let onMark = Bell()
  private let onEnd = Bell()

  // MARK: The count

  /// The count could take its snapshot at once.
  func ready() { state.withLockedValue { $0.isReady = true } }

  /// - Returns: The loop's mark; `nil` when it did not come in time, or there will be none.
  func marked(atMost limit: Duration) async -> EnvelopeID? {
    await onMark.wait(until: .now + limit)
    return state.withLockedValue { state in
      if state.mark == nil { state.isGivenUp = true }
      return state.mark
    }
  }

  /// The snapshot has been taken.
  /// - Returns: False when the loop has gone on without it.
  func take() -> Bool {
    let isInTime = state.withLockedValue { state in
      if !state.isGivenUp { state.isTaken = true }
      return state.isTaken
    }
    onEnd.ring()
    return isInTime
  }

  /// There will be no snapshot.
  func giveUp() {
    state.withLockedValue { if !$0.isTaken { $0.isGivenUp = true } }
    onEnd.ring()
  }

  // MARK: The loop

  /// Whether the count waits for a mark.
  var isReady: Bool { state.withLockedValue { $0.isReady && $0.mark == nil && !$0.isGivenUp } }

  /// The mark has been stored.
  func mark(_ mark: EnvelopeID) {
    state.withLockedValue { $0.mark = mark }
    onMark.ring()
  }

  /// Returns when the snapshot has been taken or given up, or after the limit, which gives it up.
  func wait(atMost limit: Duration) async {
    await onEnd.wait(until: .now + limit)
    giveUp()
  }
}
