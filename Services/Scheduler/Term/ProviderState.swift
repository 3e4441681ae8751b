import Contracts
import Metering

/// What the leader knows about one provider: its settings in force, its tokens and credit, its health. Pure.
struct ProviderState: Sendable {
  /// Why it is held back.
  enum Pause: String, Sendable, Hashable {
    case admin
    /// It refused our credentials three times in a row.
    case credentials
  }

  /// Refusals of our credentials in a row that pause it.
  static let refusalLimit = 3
  /// Seconds without a report after which nobody expects one soon: longer than providers are usually given to answer.
  static let patience = 40.0

  var name: String
  var limit: ProviderLimit
  var weight: Double
  var countsSegments: Bool
  var policy: ProviderPolicy
  var pause: Pause?
  var bucket: TokenBucket
  var credit = SendCredit()
  var forecast: GateForecast<AttemptID>
  /// When the gate expects to let the next SMS through, as the last report said.
  var gateOpensAt = 0.0
  var use = MeasuredUse()
  var adaptive: AdaptiveRate
  var health: ProviderHealth
  /// The SMS that tries out whether an unhealthy provider works again.
  var probe: AttemptID?
  /// Refusals of our credentials in a row.
  var refusals = 0
  /// SMS accepted since the last reset.
  var sent: Int64 = 0
  /// Tokens that the SMS at the head of the queue waits for.
  var wanted = 1.0
  var issues = RecentCount()
  /// When something last moved: seconds on PostgreSQL's clock.
  private var movedAt = 0.0

  init(
    name: String, limit: ProviderLimit, weight: Double = 1, countsSegments: Bool = false,
    policy: ProviderPolicy = ProviderPolicy(), condition: Condition = Condition(), now: Double
  ) {
    self.name = name
    self.limit = limit
    self.weight = weight
    self.countsSegments = countsSegments
    self.policy = policy
    pause = condition.pause
    sent = condition.sent
    adaptive = AdaptiveRate(nominal: limit.rate, halving: condition.halving)
    health = ProviderHealth(rules: policy.health, unhealthyUntil: condition.unhealthyUntil)
    forecast = GateForecast(count: limit.count, window: Double(limit.windowMilliseconds) / 1000)
    bucket = TokenBucket(
      count: Double(limit.count), window: Double(limit.count) / adaptive.rate(now: now), startsFull: false, now: now)
    // One SMS at once: the gate is durable, so a change of leader earns nothing by it, and a rare slot is not lost.
    bucket.giveBack(1)
  }

  /// What outlives a leader.
  struct Condition: Sendable, Hashable {
    var pause: Pause?
    var halving: AdaptiveRate.Halving?
    var unhealthyUntil: Double?
    var sent: Int64 = 0
  }

  var condition: Condition {
    Condition(pause: pause, halving: adaptive.halving, unhealthyUntil: health.probesFrom, sent: sent)
  }

  /// SMS or segments a second, now: the limit, or less after throttling.
  func rate(now: Double) -> Double { adaptive.rate(now: now) }

  /// Neither paused nor out of order: what is in trouble there may wait for it.
  func isWorking(now: Double) -> Bool { pause == nil && health.state(now: now) == .healthy }

  /// Room among its outstanding SMS.
  func hasRoom(now: Double) -> Bool {
    guard pause == nil else { return false }
    switch health.state(now: now) {
    case .healthy: return credit.room(rate: rate(now: now)) > 0
    case .unhealthy: return false
    case .probing: return probe == nil
    }
  }

  /// When it can be given an SMS for so many tokens, if nothing else changes; `nil` when an outcome must come first.
  func opening(_ cost: Double, now: Double) -> Double? {
    guard pause == nil else { return nil }
    if case .unhealthy(let until) = health.state(now: now) { return until }
    guard hasRoom(now: now) else { return nil }
    let gate = max(gateOpensAt, forecast.opening(Int(cost), now: now))
    return max(bucket.available(cost, now: now), gate - ProviderBoard.head)
  }

  /// Seconds that an SMS holds its slot beyond the window: `sliding` waits for the answer for at most 250 ms.
  var hold: Double { limit.pacing == .strict ? credit.latency : min(credit.latency, 0.25) }

  /// Adjusts the bucket to the rate of the moment.
  mutating func refresh(now: Double) {
    let rate = rate(now: now)
    guard abs(bucket.rate - rate) > 1e-9 else { return }
    bucket.set(count: Double(limit.count), window: Double(limit.count) / rate, now: now)
  }

  /// Puts other settings in force.
  mutating func apply(limit: ProviderLimit, weight: Double, pause: Pause?, now: Double) {
    self.limit = limit
    self.weight = weight
    if pause == nil { refusals = 0 }
    self.pause = pause
    if adaptive.nominal != limit.rate { adaptive = AdaptiveRate(nominal: limit.rate) }
    use = MeasuredUse()
    forecast.set(count: limit.count, window: Double(limit.windowMilliseconds) / 1000)
    refresh(now: now)
  }

  /// SMS a second that can be expected while there is a backlog: `sliding` also waits for the answer, at most 250 ms.
  func expectedRate(now: Double) -> Double {
    guard isWorking(now: now), !isStalled(now: now) else { return 0 }
    // A provider that takes next to nothing is no ground for a forecast of years.
    return min(max(use.rate ?? pacedRate, pacedRate * 0.05), rate(now: now))
  }

  /// SMS a second that the gate lets through while there is a backlog.
  private var pacedRate: Double { Double(limit.count) / (Double(limit.windowMilliseconds) / 1000 + hold) }

  /// Whether what it was given lies about: no sender takes it, or the provider has not answered for long.
  private func isStalled(now: Double) -> Bool { credit.outstanding > 0 && now - movedAt > Self.patience }

  /// Given something while it had nothing, or reported on.
  mutating func noteMovement(now: Double) { movedAt = now }

  /// As `queue.changed` tells it.
  func pace(now: Double) -> ProviderPace {
    let figures = health.figures(now: now)
    let state = health.state(now: now)
    let until: Double? = if case .unhealthy(let until) = state { until } else { nil }
    return ProviderPace(
      provider: name, effectiveRate: expectedRate(now: now), nominalRate: limit.rate, state: stateName(now: now),
      inFlight: credit.outstanding, pauseReason: pause?.rawValue,
      gateOpensAt: gateOpensAt > now ? Timestamp(seconds: gateOpensAt) : nil,
      unhealthyUntil: until.map { Timestamp(seconds: $0) }, successes: figures.successes, failures: figures.failures,
      sent: sent, weight: weight, current: issues.count(now: now),
      // Segments a second are no SMS a second.
      fullRate: !countsSegments && rate(now: now) < limit.rate && isWorking(now: now) ? pacedRate : nil)
  }

  func stateName(now: Double) -> String {
    if pause != nil { return "paused" }
    return switch health.state(now: now) {
    case .healthy: "healthy"
    case .unhealthy: "unhealthy"
    case .probing: "probing"
    }
  }
}

extension ProviderLimit {
  /// SMS or segments a second.
  var rate: Double { Double(count) * 1000 / Double(windowMilliseconds) }
}
