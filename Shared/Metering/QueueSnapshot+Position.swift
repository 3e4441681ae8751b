import Contracts

extension QueueSnapshot {
  /// SMS waiting in one flow.
  public func backlog(of flow: FlowKey) -> Int { classLines[flow.messageClass.place].line(of: flow)?.backlog ?? 0 }

  /// The number of the flow's next SMS that was never dispatched; `nil` for a flow that the heads do not name.
  public func headNumber(of flow: FlowKey) -> Int64? { head(of: flow)?.headNumber }

  /// The flows of one user in which SMS wait.
  public func flows(of user: UserID) -> [FlowKey] {
    // There are few pins, and may be many flows.
    MessageClass.allCases.flatMap { messageClass in
      pins.names.map { FlowKey(messageClass: messageClass, userID: user, provider: $0) }
        .filter { classLines[messageClass.place].place(of: $0) != nil }
    }
  }

  /// SMS of its own flow before the one with this number: what came back, and the numbers between that somebody waits
  /// for.
  /// - Returns: `nil` for a flow that the heads do not name.
  public func ahead(of number: Int64, in flow: FlowKey) -> Int? {
    guard let head = head(of: flow) else { return nil }
    guard number >= head.headNumber else { return 0 }
    let between = Int(number - head.headNumber) - head.holes(before: number)
    return max(0, min((head.returned ?? 0) + between, head.backlog))
  }

  /// SMS that go before the one that has `ahead` others before it in its own flow, in true service order.
  ///
  /// With `T` the SMS's virtual start tag, another flow with head tag S, step s (1/weight) and backlog n sends
  /// `clamp(⌊(T − S)/s⌋ + 1, 0, n)` before it, one less at a tie that this flow wins; the same again between the
  /// classes. Only flows that share a working provider with this one count.
  /// - Returns: `nil` while no heads are known.
  public func position(in flow: FlowKey, ahead: Int) -> Int? {
    guard isKnown else { return nil }
    let competes = competingPins(with: flow.provider)
    let rank = rank(in: flow, ahead: ahead) { competes[$0] }
    return position(of: flow.messageClass, rank: rank, competes: competes)
  }

  // MARK: Inside

  /// SMS of all classes that go before the one that has `rank` others of its class before it.
  func position(of messageClass: MessageClass, rank: Int, competes: [Bool]) -> Int {
    let ownClass = classLine(of: messageClass, backlog: 0)
    let classTag = ownClass.tag + Int64(rank) * ownClass.step
    var position = rank
    for other in MessageClass.allCases where other != messageClass {
      let backlog = classLines[other.place].backlogs.reduce(0) { competes[$1.key] ? $0 + $1.value : $0 }
      let line = classLine(of: other, backlog: backlog)
      position += line.turns(until: classTag, winningTies: line.order < ownClass.order)
    }
    return position
  }

  /// SMS of the same class that go before the one that has `ahead` others before it in its own flow, those among them.
  /// - Parameter isCounted: Whether flows with a pin of this number count.
  func rank(in flow: FlowKey, ahead: Int, _ isCounted: (Int) -> Bool) -> Int {
    ranks(in: flow, ahead: [ahead], isCounted)[0]
  }

  /// The same of several SMS, in one pass.
  /// - Parameter ahead: Rising.
  func ranks(in flow: FlowKey, ahead: [Int], _ isCounted: (Int) -> Bool) -> [Int] {
    let own = line(of: flow)
    let lines = classLines[flow.messageClass.place]
    var sums = TurnSums(own, places: ahead)
    for line in lines.lines where line.order != own.order && isCounted(line.pin) {
      sums.add(line, winningTies: line.order < own.order)
    }
    // Flows that the scheduler has not numbered yet all have the last place: none of them wins a tie.
    if own.order == .max {
      for (key, line) in zip(lines.keys, lines.lines) where line.order == .max && isCounted(line.pin) && key != flow {
        sums.add(line, winningTies: false)
      }
    }
    return sums.ranks
  }

  /// A flow's line; that of a flow that nobody knows starts at the virtual time, behind those at a tie.
  func line(of flow: FlowKey) -> FlowLine {
    classLines[flow.messageClass.place].line(of: flow)
      ?? FlowLine(
        tag: startTag(of: flow), step: max(1, ended[flow]?.step ?? VirtualTime.step(weight: 1)), backlog: 0,
        order: ended[flow]?.flowID ?? .max)
  }

  /// Where a flow begins in which nothing waits, as the fair queue will have it.
  func startTag(of flow: FlowKey) -> Int64 {
    let last = ended[flow]?.tag ?? 0
    let time = classHeads[flow.messageClass]?.virtualTime ?? 0
    guard let provider = flow.provider else { return max(last, time) }
    let pin = pins.known(provider)
    let start = classLines[flow.messageClass.place].lines.reduce(Int64.max) { tag, line in
      line.pin == ProviderPins.none || line.pin == pin ? min(tag, line.tag) : tag
    }
    return max(last, min(time, start))
  }

  func classLine(of messageClass: MessageClass, backlog: Int) -> FlowLine {
    FlowLine(
      tag: classHeads[messageClass]?.tag ?? 0, step: messageClass.step, backlog: backlog,
      order: Int64(messageClass.place))
  }

  /// By number of a pin: whether SMS pinned so and SMS pinned to `provider` can be given to one and the same provider
  /// that works. What is pinned to another, or to one that stands still, takes no turn from them.
  func competingPins(with provider: String?) -> [Bool] {
    pins.names.map { pin in
      guard let pin else { return true }
      return provider.map { $0 == pin } ?? !isStanding(pin)
    }
  }

  /// Whether nothing goes to a provider, as far as is known.
  func isStanding(_ provider: String) -> Bool {
    guard !providers.isEmpty else { return false }
    return providers[provider].map { !$0.isGoing } ?? true
  }

  private func head(of flow: FlowKey) -> FlowHead? { classLines[flow.messageClass.place].head(of: flow) }
}

extension FlowHead {
  /// Numbers from the head on and before this one that nobody waits for.
  func holes(before number: Int64) -> Int {
    var sum = 0
    for hole in holes ?? [] {
      let start = hole.segment * HoleCount.segmentSize
      guard start < number else { break }
      let place = number - start
      if place >= HoleCount.segmentSize {
        sum += hole.count
      } else if hole.count == HoleCount.segmentSize {
        sum += Int(place)
      } else if let bits = hole.bits.flatMap(HoleBits.init(base64:)) {
        sum += bits.count(before: Int(place))
      } else {
        // Not told which, so far from the head: as if they were spread evenly.
        sum += Int(place) * hole.count / Int(HoleCount.segmentSize)
      }
    }
    return sum
  }
}

extension ProviderPace {
  /// Whether SMS go to it now.
  public var isGoing: Bool { effectiveRate > 0 && state != "paused" && state != "unhealthy" }
}
