import Contracts

/// The cut at which the tables are remembered, until the scheduler's count of the same cut comes.
struct FoldedMark: Sendable, Equatable {
  var id: EnvelopeID
  var at: Timestamp

  init(_ marked: LedgerMarked) {
    id = marked.mark
    at = marked.markedAt
  }
}

/// The scheduler's count as of a mark.
struct FoldedCount: Sendable, Equatable {
  var mark: EnvelopeID
  var buckets: [LedgerCounted.Bucket]

  init(_ counted: LedgerCounted) {
    mark = counted.mark
    buckets = counted.buckets
  }
}
