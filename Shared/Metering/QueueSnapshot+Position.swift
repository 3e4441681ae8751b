import Contracts

extension QueueSnapshot {
  /// SMS waiting in one flow.
  public func backlog(of flow: FlowKey) -> Int { classLines[flow.messageClass.place].line(of: flow)?.backlog ?? 0 }

  /// The number of the flow's next SMS that was never dispatched; `nil` for a flow that the heads do not name.
  public func headNumber(of flow: FlowKey) -> Int64? { head(of: flow)?.headNumber }

  /// The flows of one user in which SMS wait.
  public func flows(of user: UserID) -> [FlowKey] {
    MessageClass.allCases.flatMap { messageClass in
      classLines[messageClass.place].keys(of: user).sorted {
        ($0.providers ?? []).lexicographicallyPrecedes($1.providers ?? [])
      }
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

  /// SMS that the providers of a flow carry before the one that has `ahead` others before it in its own flow.
  ///
  /// With `T` the SMS's virtual start tag, another flow with head tag S, step s (1/weight) and backlog n sends
  /// `clamp(⌊(T − S)/s⌋ + 1, 0, n)` before it, one less at a tie that this flow wins; the same again between the
  /// classes. Only flows that share a working provider with this one count, with the tags of that provider: of the fastest
  /// where they share several. That is the true service order where all of them use one provider, and within a turn of each
  /// provider where all of them use the same ones. Where they share some and not others, the queue is run forward.
  /// - Returns: `nil` while no heads are known.
  public func position(in flow: FlowKey, ahead: Int) -> Int? {
    guard isKnown else { return nil }
    return places(in: flow, ahead: [ahead])[ahead]?.position
  }

  /// The same in closed form, wherever they share providers.
  func closedPosition(in flow: FlowKey, ahead: Int) -> Int {
    let rivals = rivals(of: flow)
    return position(of: flow, rank: ranks(in: flow, ahead: [ahead], rivals)[0], rivals)
  }

  // MARK: Inside

  /// By number of a set of providers: the provider at which its SMS and those of a flow wait for each other, if any.
  struct Rivals {
    /// The flow's own set.
    var own: Int
    var meetings: [Int?]
    /// Where the flow's own SMS are compared.
    var home: Int
  }

  func rivals(of flow: FlowKey) -> Rivals {
    // A set that nobody uses has no number yet.
    var sets = sets
    let own = sets.number(of: flow.providers)
    let ways =
      own < ways.going.count
      ? ways
      : ProviderWays(sets) { name in providers[name].flatMap { $0.isGoing ? $0.effectiveRate : nil } }
    return Rivals(
      own: own, meetings: self.sets.sets.indices.map { ways.meeting(of: own, with: $0) },
      home: ways.meeting(of: own, with: own) ?? ProviderWays.nowhere)
  }

  /// SMS of all classes that go before the one of a flow that has `rank` others of its class before it.
  func position(of flow: FlowKey, rank: Int, _ rivals: Rivals) -> Int {
    let ownClass = classLine(of: flow.messageClass, at: rivals.home, backlog: 0)
    let classTag = ownClass.tag + Int64(rank) * ownClass.step
    var position = rank
    for other in MessageClass.allCases where other != flow.messageClass {
      let backlog = classLines[other.place].backlogs.reduce(0) { rivals.meetings[$1.key] != nil ? $0 + $1.value : $0 }
      let line = classLine(of: other, at: rivals.home, backlog: backlog)
      position += line.turns(until: classTag, winningTies: line.order < ownClass.order)
    }
    return position
  }

  /// SMS of the same class that go before those that have `ahead` others before them in their own flow, these among them.
  /// - Parameter ahead: Rising.
  func ranks(in flow: FlowKey, ahead: [Int], _ rivals: Rivals) -> [Int] {
    let own = line(of: flow)
    let lines = classLines[flow.messageClass.place]
    // Providers at which the flow meets others; as a rule there is one.
    let meetings = Set(rivals.meetings.compactMap { $0 })
    var ranks = ahead
    for meeting in meetings.sorted() {
      var sums = TurnSums(own.line(at: meeting), places: ahead)
      for line in lines.lines where line.order != own.order && rivals.meetings[line.set] == meeting {
        sums.add(line.line(at: meeting), winningTies: line.order < own.order)
      }
      // Flows that the scheduler has not numbered yet all have the last place: none of them wins a tie.
      if own.order == .max {
        for (key, line) in zip(lines.keys, lines.lines)
        where line.order == .max && rivals.meetings[line.set] == meeting && key != flow {
          sums.add(line.line(at: meeting), winningTies: false)
        }
      }
      for (place, rank) in sums.ranks.enumerated() { ranks[place] += rank - ahead[place] }
    }
    return ranks
  }

  /// A flow's line; that of a flow that nobody knows starts at the virtual time, behind those at a tie.
  func line(of flow: FlowKey) -> FlowLine {
    classLines[flow.messageClass.place].line(of: flow)
      ?? start(of: flow, step: max(1, ended[flow]?.step ?? VirtualTime.step(weight: 1)), backlog: 0)
  }

  /// Where a flow begins in which nothing waits, as the fair queue will have it: at each provider at the virtual time, unless
  /// it stood further on when it ended.
  func start(of flow: FlowKey, step: Int64, backlog: Int) -> FlowLine {
    let last = ended[flow]
    let head = classHeads[flow.messageClass]
    let line = FlowLine(
      tag: max(last?.tag ?? 0, head?.virtualTime ?? 0), step: step, backlog: backlog, order: last?.flowID ?? .max)
    guard head?.turns != nil || last?.tags != nil else { return line }
    var turns = line
    turns.turns = sets.providers.map { name in
      FlowLine.Turn(
        tag: max(last?.tags?[name] ?? last?.tag ?? 0, head?.turns?[name]?.virtualTime ?? head?.virtualTime ?? 0),
        step: last?.steps?[name] ?? step)
    }
    return turns
  }

  /// Whether a flow that ended would begin further on than the virtual time somewhere.
  func isAhead(_ last: FlowHead, of flow: FlowKey) -> Bool {
    let head = classHeads[flow.messageClass]
    guard let tags = last.tags ?? last.provider.map({ [$0: last.tag] }) ?? head?.turns?.mapValues({ _ in last.tag })
    else { return last.tag > head?.virtualTime ?? 0 }
    return tags.contains { $1 > head?.turns?[$0]?.virtualTime ?? head?.virtualTime ?? 0 }
  }

  func classLine(of messageClass: MessageClass, at provider: Int, backlog: Int) -> FlowLine {
    let head = classHeads[messageClass]
    let name = sets.providers.indices.contains(provider) ? sets.providers[provider] : nil
    return FlowLine(
      tag: name.flatMap { head?.turns?[$0]?.tag } ?? head?.tag ?? 0, step: messageClass.step, backlog: backlog,
      order: Int64(messageClass.place))
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
