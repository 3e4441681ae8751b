import Contracts
import NIOConcurrencyHelpers

/// How many streams are open, of each user and in all.
final class StreamSlots: Sendable {
  /// Holds a place as long as it lives.
  final class Place: Sendable {
    private let onEnd: @Sendable () -> Void

    fileprivate init(onEnd: @escaping @Sendable () -> Void) { self.onEnd = onEnd }

    deinit { onEnd() }
  }

  private let limit: Int
  private let limitPerUser: Int
  private let open = NIOLockedValueBox<[UserID: Int]>([:])
  private let metrics: EventMetrics

  init(limit: Int, limitPerUser: Int, metrics: EventMetrics) {
    self.limit = limit
    self.limitPerUser = limitPerUser
    self.metrics = metrics
  }

  var count: Int { open.withLockedValue { $0.values.reduce(0, +) } }

  /// - Throws: `RATE_LIMITED` when the user has too many, 503 when there are too many in all.
  func take(for user: UserID) throws -> Place {
    try open.withLockedValue { open in
      guard open[user, default: 0] < limitPerUser else {
        var error = APIError(.rateLimited, "At most \(limitPerUser) event streams may be open for one user")
        error.retryAfter = 5
        throw error
      }
      guard open.values.reduce(0, +) < limit else {
        throw APIError.unavailable("Too many event streams are open", retryAfter: 5)
      }
      open[user, default: 0] += 1
    }
    metrics.opened()
    return Place { [open, metrics] in
      open.withLockedValue { open in
        let left = (open[user] ?? 1) - 1
        open[user] = left > 0 ? left : nil
      }
      metrics.closed()
    }
  }
}
