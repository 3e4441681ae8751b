import Contracts
import HeapModule
import Metering
import TestSupport

@testable import Scheduler

/// Scheduler and gate in virtual time, with a provider that counts: the real queue, board, transitions and repeats; a
/// model of the store, the broker, the sender and the gate.
struct Simulation {
  enum Event {
    case wake
    case deliver(IssuedCommand)
    case senderWake
    case answer(AttemptID, startedAt: Double, generation: Int)
    case report([AttemptID])
    case senderDies
    case senderStarts
    case leaderDies
    case latency(Double)
  }

  private struct Scheduled: Comparable {
    var at: Double
    var number: Int
    var event: Event

    static func < (left: Scheduled, right: Scheduled) -> Bool { (left.at, left.number) < (right.at, right.number) }
    static func == (left: Scheduled, right: Scheduled) -> Bool { left.number == right.number }
  }

  let limit: ProviderLimit
  let flows: [FlowKey]
  /// Units of each flow's one message.
  let total: Int
  private(set) var now = 0.0
  private(set) var arrivals: [Double] = []
  private(set) var arrived: [UnitID: Int] = [:]
  private(set) var expiredLeases = 0
  private(set) var unknown = 0
  /// The queue counted an SMS that was not there.
  private(set) var isOutOfStep = false
  /// Seconds from issue to claim, of what was answered.
  private(set) var waits: [Double] = []
  private var issues: [AttemptID: Double] = [:]
  private var claims: [AttemptID: Double] = [:]
  private var latency: Double
  private var random: SeededGenerator
  private var queue: DispatchQueue
  private var outstanding = OutstandingCommands()
  private var gate: GateModel
  private var events = Heap<Scheduled>()
  private var number = 0
  private var wakeAt = Double.infinity
  private var senderWakeAt = Double.infinity
  // The store.
  private var cursors: [FlowKey: Int] = [:]
  private var messages: [FlowKey: MessageID] = [:]
  private var tags: [FlowKey: [String: Int64]] = [:]
  private var clocks: [String: ProviderClock] = [:]
  private var units: [UnitID: UnitTransition.Unit] = [:]
  private var issued: [EnvelopeID: IssuedCommand] = [:]
  // The sender.
  private var isSenderUp = true
  private var generation = 0
  private var waiting: [(attempt: AttemptID, notAfter: Double)] = []
  private var known: Set<AttemptID> = []
  private var undelivered: [IssuedCommand] = []

  init(count: Int, flows: Int, total: Int, latency: Double, seed: UInt64) {
    limit = ProviderLimit(count: count, windowMilliseconds: 1000, pacing: .sliding, version: 1)
    self.flows = (0..<flows).map { _ in FlowKey(messageClass: .normal, userID: .timeOrdered()) }
    self.total = total
    self.latency = latency
    random = SeededGenerator(seed: seed)
    gate = GateModel(count: count, window: 1.001)
    queue = DispatchQueue(board: ProviderBoard(providers: [], globalRate: nil, now: 0))
    for key in self.flows { messages[key] = .timeOrdered() }
    lead()
  }

  mutating func schedule(_ event: Event, at time: Double) {
    number += 1
    events.insert(Scheduled(at: time, number: number, event: event))
  }

  /// Runs until this time, or until nothing is left to do.
  mutating func run(until end: Double, arrivals most: Int = .max) {
    while arrivals.count < most, let next = events.min, next.at <= end {
      events.removeMin()
      now = max(now, next.at)
      handle(next.event)
    }
  }

  /// Units that have neither arrived nor are unknown.
  var left: Int { flows.count * total - units.values.filter(\.state.isFinal).count }

  private mutating func handle(_ event: Event) {
    switch event {
    case .wake:
      if wakeAt <= now { wakeAt = .infinity }
      work()
    case .deliver(let command): deliver(command)
    case .senderWake:
      if senderWakeAt <= now { senderWakeAt = .infinity }
      send()
    case .answer(let attempt, let startedAt, let generation):
      guard generation == self.generation else { return }
      if gate.finish(attempt, .accepted, startedAt: startedAt, now: now) { report([attempt]) }
    case .report(let attempts): take(attempts)
    case .senderDies:
      isSenderUp = false
      generation += 1
      waiting = []
      known = []
    case .senderStarts:
      guard !isSenderUp else { return }
      isSenderUp = true
      // What was claimed and not finished is an orphan of the same name.
      let orphans = gate.ledger.filter { if case .claimed = $0.value { true } else { false } }.map(\.key)
      for attempt in orphans.sorted(by: { $0.description < $1.description }) {
        _ = gate.finish(attempt, .unknown, startedAt: now, now: now)
      }
      report(orphans)
      let backlog = undelivered
      undelivered = []
      for command in backlog { schedule(.deliver(command), at: now + delay()) }
    case .leaderDies: lead()
    case .latency(let seconds): latency = seconds
    }
  }

  private mutating func delay() -> Double { Double.random(in: 0.001...0.006, using: &random) }

  // MARK: Scheduler

  /// A new leader: everything from the store.
  private mutating func lead() {
    queue = DispatchQueue(
      board: ProviderBoard(
        providers: [ProviderState(name: "p", limit: limit, now: now)], globalRate: nil, now: now))
    queue.restore(
      flows.enumerated().map { place, key in
        let cursor = Int64(cursors[key, default: 0])
        return TakeOver.Flow(
          key: key, id: Int64(place), weight: 1, tags: tags[key] ?? [:], headNumber: cursor,
          endNumber: Int64(total), nextNumber: Int64(total), unloaded: total - Int(cursor))
      }, clocks: clocks, held: [])
    for (unit, row) in units where row.state == .pending {
      if let key = flows.first(where: { messages[$0] == unit.messageID }) {
        queue.readmit(returned(unit, row), flow: key)
      }
    }
    outstanding = OutstandingCommands()
    for command in issued.values {
      queue.board.assumeOutstanding(command.open.count, at: "p", now: now)
      outstanding.add(command, repeatAt: Timestamp(seconds: now))
    }
    wake(at: now)
  }

  private func returned(_ unit: UnitID, _ row: UnitTransition.Unit) -> ReturnedUnit {
    ReturnedUnit(
      unit: unit, expectedDispatch: row.dispatch, expectedState: .pending, nextDispatch: row.dispatch, segments: 1)
  }

  private mutating func wake(at time: Double) {
    guard time < wakeAt else { return }
    wakeAt = time
    schedule(.wake, at: time)
  }

  private mutating func work() {
    for command in outstanding.takeOverdue(now: Timestamp(seconds: now)) {
      schedule(.deliver(command), at: now + delay())
    }
    while true {
      guard let plan = try? queue.plan(limit: 256, now: now) else {
        isOutOfStep = true
        return
      }
      if let missing = plan.missing.first, let message = messages[missing.key] {
        let cursor = cursors[missing.key, default: 0]
        _ = queue.fill(
          missing.key,
          with: [MessageSpan(messageID: message, firstNumber: 0, cursor: cursor, total: total, segments: 1)])
      }
      if !plan.picks.isEmpty { issue(plan) }
      if plan.missing.isEmpty { break }
    }
    var next = now + 1
    if let opening = queue.isEmpty ? nil : queue.board.nextOpening(now: now) { next = min(next, opening) }
    if let time = outstanding.next { next = min(next, time.seconds) }
    wake(at: max(next, now + 0.001))
  }

  private mutating func issue(_ plan: DispatchQueue.Plan) {
    for pick in plan.picks {
      issues[pick.attempt] = now
      if case .fresh(let unit) = pick.source { cursors[pick.flow] = unit.index + 1 }
      units[pick.unit] = UnitTransition.Unit(
        state: .sending, dispatch: pick.attempt.dispatch, attemptsUsed: 0, throttles: 0)
    }
    for (key, tag) in plan.tags { tags[key] = tag.tags }
    clocks = plan.clocks
    for picks in plan.picks.chunks(of: max(1, limit.count / 50)) {
      let command = IssuedCommand(
        id: .timeOrdered(), requestID: nil,
        command: SendCommand(
          provider: "p",
          attempts: picks.map { SendCommand.Attempt(id: $0.attempt, phone: "", content: "", cost: 1) },
          notAfter: Timestamp(seconds: now + 2), limit: limit),
        open: Set(picks.map(\.attempt)))
      issued[command.id] = command
      outstanding.add(command)
      // Now and then a leader dies between commit and publish, or the broker takes its time.
      let isSlow = Int.random(in: 0..<2000, using: &random) == 0
      schedule(.deliver(command), at: now + delay() + (isSlow ? Double.random(in: 0...4, using: &random) : 0))
    }
  }

  /// Reports arrive at the scheduler; a repeat changes nothing.
  private mutating func take(_ attempts: [AttemptID]) {
    for attempt in attempts {
      guard let row = units[attempt.unit], let entry = gate.ledger[attempt] else { continue }
      let report: UnitTransition.Report
      switch entry {
      case .claimed: continue
      case .finished(let outcome): report = .outcome(outcome)
      case .expired: report = .expired
      }
      if outstanding.settle(attempt) != nil {
        queue.board.settle(attempt, at: "p", anchor: gate.anchor(of: attempt), now: now)
        if let claimedAt = claims.removeValue(forKey: attempt), let issuedAt = issues.removeValue(forKey: attempt) {
          waits.append(claimedAt - issuedAt)
        }
        for (id, command) in issued where command.open.contains(attempt) {
          issued[id]?.open.remove(attempt)
          if issued[id]?.open.isEmpty == true { issued[id] = nil }
        }
      }
      let decision = UnitTransition(policy: ProviderPolicy()).decide(
        row, dispatch: attempt.dispatch, report: report, provider: "p", messageClass: .normal, random: 0.5)
      guard case .change(let unit, _) = decision else { continue }
      units[attempt.unit] = unit
      if unit.state == .unconfirmed { unknown += 1 }
      if unit.state == .pending, let key = flows.first(where: { messages[$0] == attempt.messageID }) {
        expiredLeases += 1
        queue.giveBack(returned(attempt.unit, unit), flow: key, at: "p")
      }
    }
    queue.board.learn(at: "p", latencies: attempts.map { _ in latency }, gateOpensAt: gate.opens(now: now))
    wake(at: now)
  }

  // MARK: Sender

  private mutating func deliver(_ command: IssuedCommand) {
    guard isSenderUp else {
      undelivered.append(command)
      return
    }
    for attempt in command.command.attempts where known.insert(attempt.id).inserted {
      waiting.append((attempt.id, command.command.notAfter.seconds))
    }
    wakeSender(at: now)
  }

  private mutating func wakeSender(at time: Double) {
    guard time < senderWakeAt else { return }
    senderWakeAt = time
    schedule(.senderWake, at: time)
  }

  private mutating func send() {
    guard isSenderUp else { return }
    var done: [AttemptID] = []
    while let first = waiting.first {
      let verdict = gate.claim(first.attempt, notAfter: first.notAfter, now: now)
      if case .wait(let until) = verdict {
        wakeSender(at: min(until, now + 0.25))
        break
      }
      waiting.removeFirst()
      known.remove(first.attempt)
      switch verdict {
      case .claimed:
        let start = now + Double.random(in: 0.0005...0.004, using: &random)
        gate.start(first.attempt, at: start)
        claims[first.attempt] = now
        // It reaches the provider somewhere between the first byte and the answer, and within 250 ms.
        arrivals.append(start + Double.random(in: 0...min(latency, 0.25), using: &random))
        arrived[first.attempt.unit, default: 0] += 1
        schedule(.answer(first.attempt, startedAt: start, generation: generation), at: start + latency)
      case .expired, .finished: done.append(first.attempt)
      case .inFlight, .wait: break
      }
    }
    if !done.isEmpty { report(done) }
  }

  private mutating func report(_ attempts: [AttemptID]) {
    schedule(.report(attempts), at: now + delay())
    // Some reports come twice.
    if Int.random(in: 0..<50, using: &random) == 0 { schedule(.report(attempts), at: now + 3 * delay()) }
  }
}
