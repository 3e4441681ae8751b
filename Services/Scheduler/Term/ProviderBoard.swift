import Contracts
import Metering

/// What the leader knows about its providers: who may get the next SMS, and when somebody may.
///
/// Pure; times are seconds on PostgreSQL's clock.
struct ProviderBoard: Sendable {
  struct Provider: Sendable {
    var name: String
    var limit: ProviderLimit
    var weight: Double
    var countsSegments: Bool
    var policy: ProviderPolicy
    var bucket: TokenBucket
    var credit = SendCredit()
    /// When the gate expects to let the next SMS through, as the last outcome said.
    var gateOpensAt = 0.0
    var use = MeasuredUse()

    /// SMS a second that the limit allows.
    var nominalRate: Double { Double(limit.count) * 1000 / Double(limit.windowMilliseconds) }

    /// SMS a second that can be expected while there is a backlog: `sliding` also waits for the answer, at most 250 ms.
    var expectedRate: Double {
      let window = Double(limit.windowMilliseconds) / 1000
      let wait = limit.pacing == .strict ? credit.latency : min(credit.latency, 0.25)
      return use.rate ?? Double(limit.count) / (window + wait)
    }
  }

  /// A command may be issued this much before the gate is expected to open.
  static let head = 0.05

  private(set) var providers: [Provider]
  private var indexes: [String: Int]
  private var rotation = ProviderRotation()
  private var global: TokenBucket?

  init(providers: [Provider], globalRate: Double?, now: Double) {
    self.providers = providers
    indexes = Dictionary(uniqueKeysWithValues: providers.enumerated().map { ($1.name, $0) })
    global = globalRate.map { TokenBucket(count: $0, window: 1, startsFull: false, now: now) }
  }

  subscript(name: String) -> Provider? { indexes[name].map { providers[$0] } }

  var globalRate: Double? { global?.rate }

  /// Whether this provider can be given an SMS now.
  func isOpen(_ provider: Provider, now: Double) -> Bool {
    provider.credit.room(rate: provider.nominalRate) > 0 && now >= provider.gateOpensAt - Self.head
      && provider.bucket.available(1, now: now) <= now && hasGlobalRoom(now: now)
  }

  /// The providers that can be given an SMS now.
  func open(now: Double) -> Set<String> {
    Set(providers.filter { isOpen($0, now: now) }.map(\.name))
  }

  /// When to look again, if only time is missing; `nil` when an outcome must come first.
  func nextOpening(now: Double) -> Double? {
    providers.filter { $0.credit.room(rate: $0.nominalRate) > 0 }.map { provider in
      max(
        provider.bucket.available(1, now: now), provider.gateOpensAt - Self.head,
        global?.available(1, now: now) ?? now)
    }.min()
  }

  /// Whether the global rate leaves room for one more now.
  func hasGlobalRoom(now: Double) -> Bool { global.map { $0.available(1, now: now) <= now } ?? true }

  /// Chooses among the open providers by weight.
  mutating func choose(among open: Set<String>) -> String? {
    rotation.pick(among: providers.filter { open.contains($0.name) }.map { ($0.name, $0.weight) })
  }

  /// What an SMS of so many segments takes of a provider's limit; one that is larger than the limit goes alone.
  func cost(of segments: Int, at name: String) -> Int {
    guard let provider = self[name], provider.countsSegments else { return 1 }
    return min(max(1, segments), provider.limit.count)
  }

  /// Takes the tokens and the credit for one SMS.
  /// - Returns: False when the tokens are not there yet; nothing is taken then.
  mutating func spend(_ cost: Int, at name: String, now: Double) -> Bool {
    guard let index = indexes[name], providers[index].bucket.take(Double(cost), now: now) else { return false }
    if global?.take(1, now: now) == false {
      providers[index].bucket.giveBack(Double(cost))
      return false
    }
    providers[index].credit.issue(1)
    return true
  }

  /// Counts commands that an earlier leader issued.
  mutating func assumeOutstanding(_ count: Int, at name: String) {
    if let index = indexes[name] { providers[index].credit.issue(count) }
  }

  /// Learns from reports: credit comes back, latency and the gate's next opening are news.
  mutating func settle(_ count: Int, at name: String, latencies: [Double], gateOpensAt: Double?) {
    guard let index = indexes[name] else { return }
    providers[index].credit.settle(count)
    for latency in latencies { providers[index].credit.learn(latency: latency) }
    if let gateOpensAt { providers[index].gateOpensAt = gateOpensAt }
  }

  /// Counts what was sent, to learn the rate while there is a backlog.
  mutating func noteSent(_ count: Int, at name: String, now: Double, isBacklogged: Bool) {
    if let index = indexes[name] { providers[index].use.note(count, now: now, isBacklogged: isBacklogged) }
  }
}

/// The rate at which a provider really took SMS while there was a backlog.
struct MeasuredUse: Sendable {
  private var since: Double?
  private var count = 0
  /// SMS a second over the last stretches; `nil` before the first of at least ten seconds.
  private(set) var rate: Double?

  mutating func note(_ sent: Int, now: Double, isBacklogged: Bool) {
    guard isBacklogged else {
      since = nil
      return
    }
    guard let start = since else {
      since = now
      count = 0
      return
    }
    count += sent
    let seconds = now - start
    guard seconds >= 10 else { return }
    let measured = Double(count) / seconds
    rate = rate.map { $0 + (measured - $0) * 0.5 } ?? measured
    since = now
    count = 0
  }
}
