import Contracts
import Metering

/// The leader's providers: who may get the next SMS, and when somebody may.
///
/// Pure; times are seconds on PostgreSQL's clock.
struct ProviderBoard: Sendable {
  /// A command may be issued this much before the gate is expected to open.
  static let head = 0.05
  /// Seconds that an SMS waits for a provider that has not failed it yet.
  static let patience = 2.0

  private(set) var providers: [ProviderState]
  private var indexes: [String: Int]
  private var rotation = ProviderRotation()
  private var global: TokenBucket?
  /// The global rate as it is written down; the bucket stays 1.5 % below it.
  let globalRate: Double?
  /// Providers whose condition has to be stored.
  private(set) var unsaved: Set<String> = []

  init(providers: [ProviderState], globalRate: Double?, now: Double) {
    self.providers = providers
    indexes = Dictionary(uniqueKeysWithValues: providers.enumerated().map { ($1.name, $0) })
    self.globalRate = globalRate
    // A mean over any ten seconds, seen at the providers: a burst of 50 ms, and room for what the last hop shifts.
    global = globalRate.map { nominal in
      let rate = nominal * 0.985
      let count = max(1, rate)
      return TokenBucket(count: count, window: count / rate, burst: 1 + rate * 0.05, startsFull: false, now: now)
    }
  }

  subscript(name: String) -> ProviderState? { indexes[name].map { providers[$0] } }

  // MARK: Choosing

  /// The providers that can be given an SMS now.
  func open(now: Double) -> Set<String> {
    guard hasGlobalRoom(now: now) else { return [] }
    return Set(providers.filter { $0.opening(1, now: now).map { $0 <= now } ?? false }.map(\.name))
  }

  /// The providers that are worth waiting for: healthy, not paused, and not closed for long.
  func working(now: Double) -> Set<String> {
    Set(
      providers.filter { $0.isWorking(now: now) && ($0.opening(1, now: now) ?? now) <= now + Self.patience }
        .map(\.name))
  }

  /// When to look again, if only time is missing; `nil` when an outcome must come first.
  /// - Parameter idle: Providers that are open and that nobody who waits may use.
  func nextOpening(now: Double, except idle: Set<String> = []) -> Double? {
    providers.filter { !idle.contains($0.name) }.compactMap { $0.opening($0.wanted, now: now) }.min().map {
      max($0, global?.available(1, now: now) ?? now)
    }
  }

  /// Whether the global rate leaves room for one more now.
  func hasGlobalRoom(now: Double) -> Bool { global.map { $0.available(1, now: now) <= now } ?? true }

  /// Forgets what the last round waited for, and takes the rates of the moment.
  mutating func beginRound(now: Double) {
    for index in providers.indices {
      providers[index].wanted = 1
      providers[index].refresh(now: now)
    }
  }

  /// Whether a provider has the tokens for an SMS that takes so much of its limit; one that has not is noted to wait for it.
  mutating func isReady(_ name: String, cost: Int, now: Double) -> Bool {
    guard let index = indexes[name] else { return false }
    if providers[index].bucket.available(Double(cost), now: now) <= now { return true }
    providers[index].wanted = Double(cost)
    return false
  }

  /// Chooses one of these providers by weight.
  mutating func choose(among names: [String]) -> String? {
    rotation.pick(among: names.compactMap { name in self[name].map { (name, $0.weight) } })
  }

  /// What an SMS of so many segments takes of a provider's limit; one that is larger than the limit goes alone.
  func cost(of segments: Int, at name: String) -> Int {
    guard let provider = self[name], provider.countsSegments else { return 1 }
    return min(max(1, segments), provider.limit.count)
  }

  /// Takes the tokens and the credit for one SMS.
  /// - Returns: False when the tokens are not there yet; nothing is taken then.
  mutating func spend(_ cost: Int, at name: String, for attempt: AttemptID, now: Double) -> Bool {
    guard let index = indexes[name], providers[index].bucket.take(Double(cost), now: now) else { return false }
    if global?.take(1, now: now) == false {
      providers[index].bucket.giveBack(Double(cost))
      return false
    }
    if providers[index].credit.outstanding == 0 { providers[index].noteMovement(now: now) }
    providers[index].credit.issue(1)
    providers[index].forecast.issue(attempt, cost: cost, hold: providers[index].hold, now: now)
    providers[index].issues.note(now: now)
    if providers[index].health.state(now: now) == .probing { providers[index].probe = attempt }
    return true
  }

  // MARK: Learning

  /// Counts commands that an earlier leader issued.
  mutating func assumeOutstanding(_ count: Int, at name: String, now: Double) {
    guard let index = indexes[name] else { return }
    providers[index].credit.issue(count)
    providers[index].noteMovement(now: now)
  }

  /// Gives back the credit of an SMS that was reported.
  /// - Parameter anchor: When its slot's window began; `nil` when it took no slot.
  mutating func settle(_ attempt: AttemptID, at name: String, anchor: Double? = nil, now: Double) {
    guard let index = indexes[name] else { return }
    providers[index].noteMovement(now: now)
    providers[index].forecast.settle(attempt, anchor: anchor)
    providers[index].credit.settle(1)
    if providers[index].probe == attempt { providers[index].probe = nil }
  }

  /// Learns from reports how long answers take, and when the gate opens next.
  mutating func learn(at name: String, latencies: [Double], gateOpensAt: Double?) {
    guard let index = indexes[name] else { return }
    for latency in latencies { providers[index].credit.learn(latency: latency) }
    if let gateOpensAt { providers[index].gateOpensAt = gateOpensAt }
  }

  /// Learns from one outcome, that was news: health, rate, credentials, distribution.
  /// - Parameters:
  ///   - startedAt: When the request was begun.
  ///   - isRepeat: The same SMS has been throttled before.
  ///   - isUnsent: It failed before the first byte.
  ///   - scope: Whom it throttles, if it does.
  /// - Returns: What happened to the provider, for the log.
  mutating func learn(
    _ outcome: AttemptOutcome, at name: String, startedAt: Double, isRepeat: Bool, isUnsent: Bool = false,
    scope: ThrottleScope? = nil, now: Double
  ) -> ProviderEvent? {
    guard let index = indexes[name] else { return nil }
    let event = providers[index].learn(
      outcome, startedAt: startedAt, isRepeat: isRepeat, isUnsent: isUnsent, scope: scope, now: now)
    if event != nil || outcome == .accepted { unsaved.insert(name) }
    return event
  }

  /// Counts what is done with, to learn the rate while there is a backlog.
  mutating func noteDone(_ count: Int, at name: String, now: Double, isBacklogged: Bool) {
    if let index = indexes[name] { providers[index].use.note(count, now: now, isBacklogged: isBacklogged) }
  }

  /// Notes that these are given nothing, however long it lasts: their rate is no measure of what they can do.
  mutating func noteIdle(_ names: Set<String>, now: Double) {
    for name in names { noteDone(0, at: name, now: now, isBacklogged: false) }
  }

  // MARK: Commands

  /// Changes a provider by an admin's command.
  mutating func update(_ name: String, _ change: (inout ProviderState) -> Void) {
    if let index = indexes[name] { change(&providers[index]) }
  }

  /// Forgets what was learnt about a provider.
  mutating func reset(_ subject: ProviderReset.Subject, at name: String, now: Double) {
    guard let index = indexes[name] else { return }
    switch subject {
    case .health:
      providers[index].health.reset()
      providers[index].adaptive.reset()
      providers[index].probe = nil
      providers[index].refresh(now: now)
    case .distribution:
      providers[index].sent = 0
    }
    unsaved.insert(name)
  }

  /// Notes that a provider's condition has to be stored.
  mutating func markUnsaved(_ name: String) { unsaved.insert(name) }

  /// The conditions to be stored, which are then taken for stored.
  mutating func takeUnsaved() -> [(name: String, condition: ProviderState.Condition)] {
    defer { unsaved.removeAll() }
    return unsaved.sorted().compactMap { name in self[name].map { (name, $0.condition) } }
  }
}
