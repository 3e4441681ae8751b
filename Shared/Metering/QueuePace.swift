import Contracts

/// How fast some providers together work off what waits, from the moment of the heads on. Pure.
struct QueuePace: Sendable {
  /// One provider that works.
  struct Provider: Sendable {
    /// In `ProviderSets`.
    var number: Int
    /// SMS a second, now.
    var rate: Double
    /// SMS a second that it comes back to after throttling.
    var fullRate: Double
    /// SMS a second that it gains each second until then.
    var growth: Double
    /// Seconds until it takes the first of those that wait: its gate, and what it has been given already.
    var start: Double

    /// SMS that it takes in so many seconds.
    func count(in seconds: Double) -> Double {
      let time = max(0, seconds - start)
      guard growth > 0, fullRate > rate else { return rate * time }
      let growing = min(time, (fullRate - rate) / growth)
      return rate * growing + growth * growing * growing / 2 + fullRate * (time - growing)
    }
  }

  var providers: [Provider]
  /// SMS a second that all providers together may take; `nil` for no limit.
  var globalRate: Double?

  /// SMS a second, now.
  var rate: Double { min(providers.reduce(0) { $0 + $1.rate }, globalRate ?? .infinity) }

  /// SMS that they take together in so many seconds.
  func count(in seconds: Double) -> Double {
    min(providers.reduce(0) { $0 + $1.count(in: seconds) }, globalRate.map { $0 * seconds } ?? .infinity)
  }

  /// Seconds until they have taken so many; `nil` when nothing goes.
  func seconds(until count: Double) -> Double? {
    guard rate > 0 else { return nil }
    let paced = providers.contains { $0.growth > 0 } ? growingSeconds(until: count) : steadySeconds(until: count)
    return max(paced, globalRate.map { count / $0 } ?? 0)
  }

  /// With rates that stay: from each start on a straight line, steeper than before.
  private func steadySeconds(until count: Double) -> Double {
    var slope = 0.0
    var offset = 0.0
    var seconds = Double.infinity
    for provider in providers.sorted(by: { $0.start < $1.start }) where provider.start < seconds {
      slope += provider.rate
      offset += provider.rate * provider.start
      seconds = (count + offset) / slope
    }
    return seconds
  }

  private func growingSeconds(until count: Double) -> Double {
    var upper = steadySeconds(until: count)
    var lower = 0.0
    for _ in 0..<40 where upper - lower > 0.001 {
      let middle = (lower + upper) / 2
      if self.count(in: middle) < count { lower = middle } else { upper = middle }
    }
    return upper
  }
}

extension QueueSnapshot {
  /// The working providers of a set; `nil` for all that work.
  func pace(for set: [String]?) -> QueuePace {
    let usable = providers.values.filter { $0.isGoing && set?.contains($0.provider) ?? true }
    return QueuePace(
      providers: usable.map { pace in
        let gate = pace.gateOpensAt.flatMap { opens in asOf.map { (opens - $0) / .seconds(1) } } ?? 0
        return QueuePace.Provider(
          number: sets.known(provider: pace.provider) ?? ProviderWays.nowhere, rate: pace.effectiveRate,
          fullRate: pace.fullRate ?? pace.effectiveRate,
          growth: pace.fullRate == nil ? 0 : pace.nominalRate * 0.05 / 30,
          start: max(0, gate) + Double(pace.inFlight) / pace.effectiveRate)
      }, globalRate: globalRate)
  }
}
