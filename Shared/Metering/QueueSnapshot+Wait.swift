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
  /// - Returns: `nil` while nothing goes: no heads, sending stopped, or no provider that works.
  public func wait(in flow: FlowKey, ahead: Int) -> Estimate? { places(in: flow, ahead: [ahead])[ahead]?.wait }

  /// The time until `position` SMS have gone, at the rate that can be expected.
  /// - Parameter providers: The only ones that may carry them; `nil` for any.
  /// - Returns: `nil` while nothing goes: no heads, sending stopped, or no provider that works.
  public func wait(position: Int, providers: [String]?) -> Estimate? {
    guard isKnown, isSending else { return nil }
    return pace(for: providers).seconds(until: Double(position)).flatMap { Estimate(seconds: $0) }
  }

  /// SMS a second that go while there are any; 0 while nothing goes.
  public var rate: Double { isKnown && isSending ? pace(for: nil).rate : 0 }

  /// Whether some who wait share some of their working providers and not others: then a position alone gives no time.
  var isMixed: Bool {
    let waiting = Set(classLines.flatMap { $0.backlogs.filter { $0.value > 0 }.keys })
    let goings = Set(waiting.map { ways.going[$0] }.filter { !$0.isEmpty })
    return goings.contains { one in goings.contains { $0 != one && !Set($0).isDisjoint(with: one) } }
  }

  /// Whether that holds for SMS that these providers may carry.
  func isMixed(_ rivals: Rivals) -> Bool {
    guard rivals.own < ways.going.count, !ways.going[rivals.own].isEmpty else { return false }
    return classLines.contains {
      $0.backlogs.contains { set, backlog in
        backlog > 0 && rivals.meetings[set] != nil && ways.going[set] != ways.going[rivals.own]
      }
    }
  }
}
