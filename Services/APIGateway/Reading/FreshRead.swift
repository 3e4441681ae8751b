import Contracts

/// Reads a row that may not have come through to the read side yet.
///
/// A 202 and the `GET` behind it may race with the projector: the row is waited for until the projector has passed the
/// id's time for certain, at most for a second by default. What it may still come to is a 503, never a 404.
struct FreshRead: Sendable {
  let watch: ProgressWatch
  var patience = Duration.seconds(1)

  /// Within this a fact is in the log after the time that it tells: a request is confirmed within 3 s, and clocks differ.
  static let disorder = Duration.seconds(4)

  /// From when on what the read side has taken in comes after the message's own fact; `nil` for what is no id of ours.
  static func horizon(of id: MessageID, now: Timestamp) -> Timestamp? {
    // An id from an Idempotency-Key has no time; its 202 was given before it was asked for.
    guard let time = id.creationTime else { return id.isDerived ? now : nil }
    // No replica's clock is that far ahead of ours.
    return time > now + disorder ? nil : time + disorder
  }

  /// - Returns: `nil` when it does not exist.
  /// - Throws: `SERVICE_UNAVAILABLE` when the read side is too far behind to say so.
  func row<Row: Sendable>(_ id: MessageID, _ read: () async throws -> Row?) async throws -> Row? {
    if let row = try await read() { return row }
    guard let horizon = Self.horizon(of: id, now: .now()) else { return nil }
    let deadline = ContinuousClock.now + patience
    while true {
      let logTime = try await watch.next()
      if let row = try await read() { return row }
      if let logTime, logTime > horizon { return nil }
      guard ContinuousClock.now < deadline else {
        throw APIError.unavailable("The status of the latest messages is not known yet")
      }
    }
  }
}
