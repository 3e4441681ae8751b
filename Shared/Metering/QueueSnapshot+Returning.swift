import Contracts

extension QueueSnapshot {
  /// SMS that would wait again, in one flow.
  public struct Returning: Sendable, Hashable {
    public var count: Int
    /// The user's weight, for a flow that nobody has told of.
    public var weight: Double

    public init(count: Int, weight: Double) {
      self.count = count
      self.weight = weight
    }
  }

  /// The queue as it would be with SMS that come back, each at the front of its flow; and in which flows the last of them
  /// go: one for each class and set of providers, since others of those are through before.
  ///
  /// The last SMS of such a flow has `count - 1` of its flow ahead.
  public func with(_ returning: [FlowKey: Returning], at now: Timestamp) -> (queue: QueueSnapshot, last: [FlowKey]) {
    var queue = self
    if wasIdle { queue.passTime(to: now) }
    let returning = returning.filter { $0.value.count > 0 }
    for (sharer, keys) in Dictionary(grouping: returning.keys, by: Sharer.init) {
      queue.add(keys, of: sharer, returning, at: now)
    }
    // Whom the scheduler has not told of has no place among equals yet; here each gets one, so that not all are first.
    for (place, key) in returning.keys.enumerated() { queue.order(key, place) }
    // What was known of the times before knew nothing of these.
    queue.refresh()
    var last: [Competitors: (key: FlowKey, tag: Int64, order: Int64)] = [:]
    for (key, returned) in returning {
      let whole = queue.line(of: key)
      let line = whole.line(at: queue.ways.meeting(of: whole.set, with: whole.set) ?? ProviderWays.nowhere)
      let (way, isHuge) = line.step.multipliedReportingOverflow(by: Int64(returned.count - 1))
      let (tag, isBeyond) = line.tag.addingReportingOverflow(way)
      let candidate = (key: key, tag: isHuge || isBeyond ? Int64.max : tag, order: line.order)
      let place = Competitors(messageClass: key.messageClass, providers: key.providers)
      if let other = last[place], (other.tag, other.order) >= (candidate.tag, candidate.order) { continue }
      last[place] = candidate
    }
    return (queue, last.values.map(\.key))
  }

  /// Opens the gates whose time has come since the heads of an idle queue, from which nothing was told after that.
  private mutating func passTime(to now: Timestamp) {
    guard let asOf, now > asOf else { return }
    for (name, pace) in providers {
      providers[name]?.gateOpensAt = pace.gateOpensAt.flatMap { $0 > now ? asOf + ($0 - now) : nil }
      if now - asOf > Self.usualAnswer { providers[name]?.inFlight = 0 }
    }
  }

  /// Within that, what a provider was given is through, as a rule.
  private static let usualAnswer = Duration.seconds(5)

  /// Counts the SMS of one user's flows in a class, which share the user's weight with those that wait already.
  private mutating func add(_ keys: [FlowKey], of sharer: Sharer, _ returning: [FlowKey: Returning], at now: Timestamp)
  {
    let place = sharer.messageClass.place
    let waiting = classLines[place].keys(of: sharer.userID)
    let all = waiting.union(keys)
    for key in keys {
      guard let returned = returning[key] else { continue }
      noteAccepted(.timeOrdered(), flow: key, count: returned.count, weight: returned.weight, at: now)
    }
    guard all.count > 1, all.count > waiting.count else { return }
    for key in all {
      guard var line = classLines[place].line(of: key) else { continue }
      let turns = sets.providers.indices.map { provider in
        let name = sets.providers[provider]
        let before = waiting.contains(key) ? waiting.count { $0.mayUse(name) } : 1
        var turn = line.turn(at: provider)
        turn.step = max(1, turn.step / Int64(max(1, before)) * Int64(max(1, all.count { $0.mayUse(name) })))
        return turn
      }
      line.turns = turns
      line.step = turns.map(\.step).max() ?? line.step
      classLines[place].set(key, line, head: classLines[place].head(of: key))
    }
  }

  /// Gives a flow without a number a place among such flows.
  private mutating func order(_ key: FlowKey, _ place: Int) {
    let messageClass = key.messageClass.place
    guard var line = classLines[messageClass].line(of: key), line.order == .max else { return }
    line.order = .max - 1 - Int64(place)
    classLines[messageClass].set(key, line, head: nil)
  }

  /// Whose flows share a weight, at each provider that they may use.
  private struct Sharer: Hashable {
    var messageClass: MessageClass
    var userID: UserID

    init(_ key: FlowKey) {
      messageClass = key.messageClass
      userID = key.userID
    }
  }

  /// Flows among which the tags alone say who goes last.
  private struct Competitors: Hashable {
    var messageClass: MessageClass
    var providers: [String]?
  }
}
