import NIOConcurrencyHelpers

/// When a request's first byte was about to be written, told by the transport's thread.
final class FirstByte: Sendable {
  private let box = NIOLockedValueBox<ContinuousClock.Instant?>(nil)

  var instant: ContinuousClock.Instant? { box.withLockedValue { $0 } }

  func note(_ instant: ContinuousClock.Instant) { box.withLockedValue { $0 = instant } }
}
