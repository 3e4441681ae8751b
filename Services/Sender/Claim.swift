import Contracts

/// When an attempt was let through, by this machine's clock and by PostgreSQL's.
struct Claim: Sendable {
  /// Before the gate was asked.
  var issuedAt: ContinuousClock.Instant
  /// The gate's stamp.
  var claimedAt: Timestamp

  /// An instant by PostgreSQL's clock, never too early: the stamp was made after the question was issued.
  func databaseTime(_ instant: ContinuousClock.Instant) -> Timestamp { claimedAt + issuedAt.duration(to: instant) }
}
