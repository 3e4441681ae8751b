import Contracts

/// Reads a row that may not have come through to the read side yet.
///
/// A 202 and the `GET` behind it may race with the projector: the row is waited for until the projector has passed the
/// id's time, at most for a second.
struct FreshRead: Sendable {
  let watch: ProgressWatch
  var patience = Duration.seconds(1)

  /// What the projector's progress means for a row that is not there.
  enum Verdict: Equatable {
    /// It would be there.
    case absent
    /// It may still come.
    case wait
  }

  /// Facts are not quite in the order of their times: within this, one that is later may have come through earlier.
  static let disorder = Duration.seconds(4)

  /// - Parameter logTime: The time of the newest fact that came through.
  static func verdict(idTime: Timestamp, logTime: Timestamp?, now: Timestamp) -> Verdict {
    // No replica's clock is that far ahead of ours: it is not an id of ours.
    if idTime > now + disorder { return .absent }
    guard let logTime, logTime > idTime else { return .wait }
    return now - idTime > disorder ? .absent : .wait
  }

  /// - Returns: `nil` when it does not exist.
  /// - Throws: `SERVICE_UNAVAILABLE` when the read side is too far behind to say so.
  func row<Row: Sendable>(_ id: MessageID, _ read: () async throws -> Row?) async throws -> Row? {
    if let row = try await read() { return row }
    guard let idTime = id.creationTime else { return nil }
    let deadline = ContinuousClock.now + patience
    while true {
      let logTime = try await watch.next()
      if let row = try await read() { return row }
      if Self.verdict(idTime: idTime, logTime: logTime, now: .now()) == .absent { return nil }
      guard ContinuousClock.now < deadline else {
        if let logTime, logTime > idTime { return nil }
        throw APIError.unavailable("The status of the latest messages is not known yet")
      }
    }
  }
}
