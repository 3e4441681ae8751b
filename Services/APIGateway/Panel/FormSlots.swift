import NIOConcurrencyHelpers

/// How many long forms of people who are not logged in are read at once.
final class FormSlots: Sendable {
  private let limit: Int
  private let taken = NIOLockedValueBox(0)

  init(limit: Int) { self.limit = limit }

  /// - Returns: False when there is no room; else it must be given back.
  func take() -> Bool {
    taken.withLockedValue { taken in
      guard taken < limit else { return false }
      taken += 1
      return true
    }
  }

  func giveBack() { taken.withLockedValue { $0 -= 1 } }
}
