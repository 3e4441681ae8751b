import Contracts

/// How far the tables are ahead of the log's beginning, from which the broker deletes.
struct LogHeadroom: Sendable, Equatable {
  /// The log's first fact.
  struct Beginning: Sendable, Equatable {
    var offset: UInt64
    var at: Timestamp
  }

  /// How long the broker keeps facts.
  static let retention = Duration.seconds(7 * 86_400)
  /// Below this somebody must act.
  static let alarm = Duration.seconds(86_400)

  /// How much later the tables' newest fact was said than the log's first; all of the retention while nothing has been
  /// deleted yet.
  var duration: Duration
  /// Facts that were deleted before they were folded.
  var lostFacts: UInt64
  var isLow: Bool { duration < Self.alarm }

  /// - Parameters:
  ///   - offset: The last one that is in the tables; `nil` before the first.
  ///   - logTime: When the newest fact in the tables was said.
  init(beginning: Beginning, offset: UInt64?, logTime: Timestamp?) {
    let next = offset.map { $0 + 1 } ?? 0
    lostFacts = beginning.offset > next ? beginning.offset - next : 0
    if beginning.offset == 0 {
      duration = Self.retention
    } else if lostFacts > 0 {
      duration = .zero
    } else {
      duration = max(.zero, (logTime ?? beginning.at) - beginning.at)
    }
  }
}
