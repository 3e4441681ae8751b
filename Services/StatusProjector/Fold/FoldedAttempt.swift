import Contracts

/// What is known of one attempt. Merging is commutative, associative and idempotent.
struct FoldedAttempt: Sendable, Equatable {
  /// How an attempt ended.
  struct Result: Sendable, Equatable {
    /// Which of two results of the same attempt is kept: the higher one.
    ///
    /// A real outcome goes over `unknown` (a late answer), `unknown` over an end without an outcome (nothing was sent).
    /// Of equals the one of the lowest version is kept: it was told first, and later changes of the unit (abandoned,
    /// settled, due again) repeat less.
    var order: Int64
    var outcome: AttemptOutcome?
    var reply: ProviderReply?
    var errorCode: String?
    var startedAt: Timestamp?
    var finishedAt: Timestamp
  }

  var provider: String?
  var dispatchedAt: Timestamp?
  var result: Result?

  init(dispatched entry: UnitsDispatched.Entry, at time: Timestamp) {
    provider = StoredText.of(entry.provider)
    dispatchedAt = time
  }

  /// `nil` for a change that ends no attempt: cancelled, expired or queued again while none was under way.
  init?(change: UnitChange) {
    guard change.outcome != nil || change.dispatch > change.attempt.dispatch else { return nil }
    provider = StoredText.of(change.provider)
    let rank: Int64 =
      switch change.outcome {
      case nil: 1
      case .unknown: 2
      case .accepted, .rejected, .retryable, .throttled, .refusedCredentials: 3
      }
    result = Result(
      order: rank << 40 - Int64(change.version), outcome: change.outcome,
      reply: change.reply.map { ProviderReply(status: $0.status, body: StoredText.of($0.body)) },
      errorCode: StoredText.of(change.errorCode), startedAt: change.startedAt, finishedAt: change.finishedAt)
  }

  mutating func merge(_ other: FoldedAttempt) {
    if provider == nil { provider = other.provider }
    if dispatchedAt == nil { dispatchedAt = other.dispatchedAt }
    if let theirs = other.result, theirs.order > result?.order ?? .min { result = theirs }
  }
}
