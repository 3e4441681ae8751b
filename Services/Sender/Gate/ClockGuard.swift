import Contracts

/// Notices when PostgreSQL's clock and this machine's part between two claims: then the gate's times mean nothing.
///
/// A step forwards makes a full window look old, so more would go than the provider allows. Pure.
struct ClockGuard: Sendable {
  /// How far the two may part from one claim to the next.
  static let tolerance = Duration.milliseconds(50)

  private var last: (database: Timestamp, issuedAt: ContinuousClock.Instant, answeredAt: ContinuousClock.Instant)?

  /// Takes note of a claim.
  /// - Parameters:
  ///   - database: PostgreSQL's time somewhere between the two local instants.
  /// - Returns: False when the clocks have parted since the last claim.
  mutating func agrees(
    database: Timestamp, issuedAt: ContinuousClock.Instant, answeredAt: ContinuousClock.Instant
  ) -> Bool {
    defer { last = (database, issuedAt, answeredAt) }
    guard let last else { return true }
    let passed = database - last.database
    return passed >= last.answeredAt.duration(to: issuedAt) - Self.tolerance
      && passed <= last.issuedAt.duration(to: answeredAt) + Self.tolerance
  }
}
