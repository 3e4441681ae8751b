/// When a publisher stops believing in the host it is connected to: the host answers, and confirms nothing. Pure.
///
/// A broker node that is cut off from the majority goes on with heartbeats and takes what is published, but cannot confirm
/// it. A channel that missed a change of a stream's leader looks alike.
struct ConfirmWatch {
  struct Limits: Hashable {
    /// Without any answer while something is unconfirmed.
    var silence: Duration
    /// For one message, whatever is confirmed beside it.
    var overdue: Duration
    /// Like `silence`; from then on nobody should rely on the publisher.
    var doubt: Duration

    /// With other hosts to go to, a change costs little. Without, only a new connection may help.
    static func forHosts(_ count: Int) -> Limits {
      count > 1
        ? Limits(silence: .seconds(3), overdue: .seconds(6), doubt: .seconds(3))
        : Limits(silence: .seconds(10), overdue: .seconds(30), doubt: .seconds(5))
    }
  }

  let limits: Limits
  /// Since when something has been unconfirmed and nothing was answered.
  private var silentSince: ContinuousClock.Instant?
  /// Since when the broker has said no and never yes.
  private var refusingSince: ContinuousClock.Instant?
  private var answeredAt: ContinuousClock.Instant?
  /// The time before says nothing about the host.
  private var resumedAt: ContinuousClock.Instant?

  init(_ limits: Limits) { self.limits = limits }

  /// Something was published.
  mutating func published(now: ContinuousClock.Instant) {
    guard silentSince == nil else { return }
    silentSince = now
    // What is refused is tried again within a second; after a longer pause an old no means nothing.
    if let answeredAt, now - answeredAt > .seconds(2) { refusingSince = nil }
  }

  /// The broker has answered.
  /// - Parameters:
  ///   - isConfirmed: With a yes, at least once.
  ///   - outstanding: What is still unconfirmed.
  mutating func answered(isConfirmed: Bool, outstanding: Int, now: ContinuousClock.Instant) {
    answeredAt = now
    silentSince = outstanding > 0 ? now : nil
    refusingSince = isConfirmed ? nil : refusingSince ?? now
  }

  /// Nothing can be said now: the broker has blocked the connection, or opens a channel.
  mutating func pause() { silentSince = nil }

  /// It can be said again.
  mutating func goOn(outstanding: Int, now: ContinuousClock.Instant) {
    silentSince = outstanding > 0 ? now : nil
    resumedAt = now
  }

  /// From when on nobody should rely on the publisher, if nothing happens until then.
  var doubtAt: ContinuousClock.Instant? { silentSince.map { $0 + limits.doubt } }

  /// True when nothing at all was answered: then the host is at fault, and not one queue or this channel.
  func isSilent(now: ContinuousClock.Instant) -> Bool { silentSince.map { now - $0 >= limits.silence } ?? false }

  /// When the host is to be left, if nothing happens until then.
  /// - Parameter oldest: When the oldest unconfirmed message was published.
  func deadline(oldest: ContinuousClock.Instant?) -> ContinuousClock.Instant? {
    guard let silentSince else { return nil }
    return [
      silentSince + limits.silence, oldest.map { max($0, resumedAt ?? $0) + limits.overdue },
      refusingSince.map { $0 + limits.overdue },
    ]
    .compactMap { $0 }.min()
  }
}
