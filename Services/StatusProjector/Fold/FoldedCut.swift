import Contracts

/// The end of a message that was cut off before it was dispatched: what `message.cancelled` and `message.expired` say.
///
/// Its units have the version of their state at dispatch number 0, so a unit that was dispatched after all, or sent
/// again since, keeps its own state. Merging is commutative, associative and idempotent.
struct FoldedCut: Sendable, Equatable {
  /// Units from here on …
  var fromIndex: Int
  /// … to before here.
  var total: Int
  var at: Timestamp

  init(_ cut: CutMessage) {
    fromIndex = cut.fromIndex
    total = cut.total
    at = cut.at
  }

  mutating func merge(_ other: FoldedCut) {
    fromIndex = min(fromIndex, other.fromIndex)
    total = max(total, other.total)
    at = min(at, other.at)
  }
}
