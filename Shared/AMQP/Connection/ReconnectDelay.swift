/// How long to wait before the next attempt to connect.
struct ReconnectDelay {
  /// A connection that held for less is treated as a failed attempt: it must not be repeated in a tight loop.
  static let provenAfter = Duration.seconds(2)
  private var failures = 0

  /// - Returns: nothing for the first attempt of each host after a proven connection, then 0.1 to 2 s at random.
  mutating func afterLoss(heldFor: Duration?, hosts: Int, random: Double) -> Duration {
    if let heldFor, heldFor >= Self.provenAfter { failures = 0 } else { failures += 1 }
    guard failures >= hosts else { return .zero }
    return .milliseconds(100 + Int(random * 1900))
  }
}
