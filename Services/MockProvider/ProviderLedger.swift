import DequeModule

/// One provider: its behaviour, and everything that has arrived. Decides each answer, without clock or network.
struct ProviderLedger: Sendable {
  /// What was found when a request's head arrived.
  struct Admission: Sendable, Equatable {
    /// The arrival's number.
    let n: Int
    let isRefused: Bool
    /// Whether the connection is to be reset without reading further.
    let isReset: Bool
    /// The request's random number in 0..<100.
    let draw: Double
    /// When the limit would take an arrival again, in whole seconds.
    let retryAfterS: Int
  }

  let name: String
  let standard: Behaviour
  private(set) var behaviour: Behaviour
  private(set) var statistics = Statistics()
  private var window: SlidingWindow
  private var faults: FaultPlan
  private var arrivals = Deque<Arrival>()
  private var arrived: Set<SMS> = []
  private var taken: Set<SMS> = []
  private var nextN = 1
  /// Earlier arrivals belong to the time before the last reset.
  private var firstN = 1
  private let capacity: Int

  /// - Parameter capacity: How many arrivals are kept for listing; the counters count all.
  init(name: String, standard: Behaviour, capacity: Int = 1_000_000) {
    self.name = name
    self.standard = standard
    self.capacity = capacity
    behaviour = standard
    window = SlidingWindow(lengthNs: standard.windowNs)
    faults = FaultPlan(standard.faults)
  }

  /// The most arrivals that any window held.
  var maxInWindow: Int { window.highest }

  /// Counts a request whose head has arrived.
  mutating func arrive(at stamp: Stamp, connection: Int, draw: Double) -> Admission {
    let count = window.arrive(at: stamp.monotonicNs)
    let isViolation = behaviour.rate > 0 && count > behaviour.rate
    let isRefused = isViolation && behaviour.refuses
    var arrival = Arrival(n: nextN, at: stamp, connection: connection, isViolation: isViolation)
    nextN += 1
    statistics.arrivals += 1
    if statistics.first == nil { statistics.first = stamp }
    statistics.last = stamp
    if isViolation { statistics.violations += 1 }
    let isReset = !isRefused && faults.closesBeforeReading(draw: draw)
    if isReset {
      arrival.outcome = .fault(.closeBeforeRead)
      statistics.faulted += 1
      countAnswer(nil)
    }
    if arrivals.count == capacity { arrivals.removeFirst() }
    arrivals.append(arrival)
    let wait = window.untilOldestLeaves(at: stamp.monotonicNs)
    return Admission(
      n: arrival.n, isRefused: isRefused, isReset: isReset, draw: draw,
      retryAfterS: max(1, Int((wait + 999_999_999) / 1_000_000_000)))
  }

  /// Decides what becomes of a request that has been read whole.
  /// - Parameter jitter: A random number in 0..<1.
  mutating func receive(_ body: [UInt8], in dialect: Dialect, _ admission: Admission, jitter: Double) -> Reply {
    guard admission.n >= firstN else { return .answer(acceptance(admission.n, dialect), afterMs: 0) }
    let message: SMS
    do {
      message = try dialect.message(in: body)
    } catch {
      return answer(
        refusal(status: 400, reason: "\(error.field) \(error.message)", dialect), .invalid, admission, jitter)
    }
    if !arrived.insert(message).inserted { statistics.repeats += 1 }
    update(admission.n) {
      $0.number = message.number
      $0.text = message.text
    }
    if admission.isRefused {
      statistics.refused += 1
      let status = behaviour.violationStatus
      let refusal = refusal(
        status: status, reason: "limit exceeded", dialect, retryAfterS: status == 429 ? admission.retryAfterS : nil)
      return answer(refusal, .refused, admission, jitter)
    }
    guard let effect = faults.effect(number: message.number, draw: admission.draw) else {
      take(message)
      return answer(acceptance(admission.n, dialect), .accepted, admission, jitter)
    }
    statistics.faulted += 1
    if effect.takesMessage { take(message) }
    return reply(to: effect, in: dialect, admission, jitter)
  }

  /// Notes that the answer was handed to the network.
  mutating func answered(_ n: Int, atNs: Int64) { update(n) { $0.answeredNs = atNs } }

  /// Up to `limit` arrivals after number `since`, oldest first.
  func listing(since: Int, limit: Int) -> [Arrival] {
    guard let first = arrivals.first else { return [] }
    return Array(arrivals.dropFirst(max(0, since + 1 - first.n)).prefix(limit))
  }

  /// Replaces the behaviour; counters and the arrivals in the window stay.
  mutating func replaceBehaviour(_ new: Behaviour) {
    behaviour = new
    window.resize(to: new.windowNs)
    faults = FaultPlan(new.faults)
  }

  /// Forgets all arrivals and goes back to the standard behaviour. Requests still open are accepted and
  /// not counted.
  mutating func reset() {
    let n = nextN
    self = ProviderLedger(name: name, standard: standard, capacity: capacity)
    nextN = n
    firstN = n
  }

  private mutating func reply(
    to effect: Fault.Effect, in dialect: Dialect, _ admission: Admission, _ jitter: Double
  ) -> Reply {
    switch effect {
    case .status(let status):
      return answer(refusal(status: status, reason: "fault", dialect), .fault(effect), admission, jitter)
    case .error(let reason):
      return answer(refusal(status: 200, reason: reason, dialect), .fault(effect), admission, jitter)
    case .reply(let status, let contentType, let body):
      return answer(
        Answer(status: status, contentType: contentType, bytes: body), .fault(effect), admission, jitter)
    case .retryAfter(let seconds):
      let refusal = refusal(status: 429, reason: "slow down", dialect, retryAfterS: seconds)
      return answer(refusal, .fault(effect), admission, jitter)
    case .garbage:
      let garbage = Answer(status: 200, contentType: "text/html", body: "<html><\u{1}{\"]]> \u{FFFD}")
      return answer(garbage, .fault(effect), admission, jitter)
    case .cut:
      var whole = acceptance(admission.n, dialect)
      whole.isCut = true
      return answer(whole, .fault(effect), admission, jitter)
    case .timeout:
      finish(admission.n, .fault(effect), status: nil)
      return .hang
    case .closeBeforeRead:
      finish(admission.n, .fault(effect), status: nil)
      return .reset
    case .readAndClose:
      finish(admission.n, .fault(effect), status: nil)
      return .close(afterMs: latency(jitter))
    }
  }

  private func acceptance(_ n: Int, _ dialect: Dialect) -> Answer {
    dialect.acceptance(n, isPlain: behaviour.answersPlainly)
  }

  private func refusal(status: Int, reason: String, _ dialect: Dialect, retryAfterS: Int? = nil) -> Answer {
    dialect.refusal(status: status, reason: reason, isPlain: behaviour.answersPlainly, retryAfterS: retryAfterS)
  }

  private mutating func answer(
    _ answer: Answer, _ outcome: Arrival.Outcome, _ admission: Admission, _ jitter: Double
  ) -> Reply {
    finish(admission.n, outcome, status: answer.status)
    return .answer(answer, afterMs: latency(jitter))
  }

  private func latency(_ jitter: Double) -> Double { behaviour.latencyMs + behaviour.jitterMs * jitter }

  private mutating func take(_ message: SMS) {
    statistics.accepted += 1
    if !taken.insert(message).inserted { statistics.duplicates += 1 }
  }

  private mutating func finish(_ n: Int, _ outcome: Arrival.Outcome, status: Int?) {
    update(n) {
      $0.outcome = outcome
      $0.status = status
    }
    countAnswer(status)
  }

  private mutating func countAnswer(_ status: Int?) {
    statistics.byStatus[status.map(String.init) ?? "none", default: 0] += 1
  }

  private mutating func update(_ n: Int, _ change: (inout Arrival) -> Void) {
    guard let first = arrivals.first, n >= first.n, n - first.n < arrivals.count else { return }
    change(&arrivals[n - first.n])
  }
}
