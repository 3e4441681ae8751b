import Contracts

extension QueueSnapshot {
  /// How long, from the moment of the heads, until an SMS goes out.
  public struct Estimate: Sendable, Hashable {
    public var middle: Duration
    public var low: Duration
    public var high: Duration

    public init(middle: Duration, low: Duration, high: Duration) {
      self.middle = middle
      self.low = low
      self.high = high
    }

    /// Beyond a year nothing is foretold.
    static let horizon = 365 * 86_400.0

    /// The usual spread around a forecast: measured, more than nine out of ten SMS go within (`Benchmarks eta`).
    /// - Returns: `nil` beyond the horizon.
    init?(seconds: Double) {
      guard seconds.isFinite, seconds >= 0, seconds < Self.horizon else { return nil }
      self.init(
        middle: .seconds(seconds), low: .seconds(max(0, seconds * 0.93 - 0.8)), high: .seconds(seconds * 1.15 + 0.8))
    }
  }

  /// When the SMS goes out that has `ahead` others before it in its own flow, as things stand.
  /// - Parameter position: The SMS that go before it, if known already.
  /// - Returns: `nil` while nothing goes: no heads, sending stopped, or no provider that works.
  public func wait(in flow: FlowKey, ahead: Int, position: Int? = nil) -> Estimate? {
    guard isKnown, isSending else { return nil }
    if let forecast, let pin = pins.known(flow.provider),
      let seconds = forecast.seconds(
        until: rank(in: flow, ahead: ahead) { $0 == pin }, of: flow.messageClass, pin: pin,
        rate: pace(for: flow.provider).rate)
    {
      return Estimate(seconds: seconds)
    }
    return (position ?? self.position(in: flow, ahead: ahead)).flatMap { wait(position: $0, provider: flow.provider) }
  }

  /// The time until `position` SMS have gone, at the rate that can be expected.
  /// - Parameter provider: The one the SMS is pinned to; `nil` for any.
  /// - Returns: `nil` while nothing goes: no heads, sending stopped, or no provider that works.
  public func wait(position: Int, provider: String?) -> Estimate? {
    guard isKnown, isSending else { return nil }
    return pace(for: provider).seconds(until: Double(position)).flatMap { Estimate(seconds: $0) }
  }

  /// SMS a second that go while there are any; 0 while nothing goes.
  public var rate: Double { isKnown && isSending ? pace(for: nil).rate : 0 }

  /// Whether some who wait share some of their providers and not others: then a position alone gives no time.
  var isMixed: Bool {
    guard providers.values.filter(\.isGoing).count > 1 else { return false }
    return Set(classLines.flatMap { $0.backlogs.filter { $0.value > 0 }.keys }).count > 1
  }
}
