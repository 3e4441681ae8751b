import NIOConcurrencyHelpers

/// When a request's first byte was about to be written, told by the transport's thread.
final class FirstByte: Sendable {
  private struct State {
    var instant: ContinuousClock.Instant?
    var hasLeft = false
  }

  private let state = NIOLockedValueBox(State())
  private let line: StartLine

  /// - Parameter line: The request stands there until its first byte or its end.
  init(on line: StartLine) {
    self.line = line
    line.enter()
  }

  var instant: ContinuousClock.Instant? { state.withLockedValue { $0.instant } }

  func note(_ instant: ContinuousClock.Instant) {
    state.withLockedValue { $0.instant = instant }
    leave()
  }

  /// The request has ended, begun or not.
  func ended() { leave() }

  private func leave() {
    let isFirst = state.withLockedValue { state in
      defer { state.hasLeft = true }
      return !state.hasLeft
    }
    if isFirst { line.leave() }
  }
}
