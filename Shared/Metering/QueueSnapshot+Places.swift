import Contracts

extension QueueSnapshot {
  /// Where one SMS stands and when it goes out.
  public struct Place: Sendable, Hashable {
    /// SMS that go before it.
    public var position: Int
    /// `nil` while nothing goes.
    public var wait: Estimate?
  }

  /// What `position(in:ahead:)` and `wait(in:ahead:)` say of several SMS of one flow, in one pass over all flows.
  /// - Parameter ahead: SMS of the same flow that go before each of them.
  /// - Returns: By SMS ahead; empty while no heads are known.
  public func places(in flow: FlowKey, ahead: [Int]) -> [Int: Place] {
    guard isKnown, !ahead.isEmpty else { return [:] }
    let ahead = Set(ahead).sorted()
    let competes = competingPins(with: flow.provider)
    let ranks = ranks(in: flow, ahead: ahead) { competes[$0] }
    let seconds = forecastSeconds(in: flow, ahead: ahead)
    var places: [Int: Place] = [:]
    for (index, (place, rank)) in zip(ahead, ranks).enumerated() {
      let position = position(of: flow.messageClass, rank: rank, competes: competes)
      places[place] = Place(
        position: position,
        wait: seconds[index].map { Estimate(seconds: $0) } ?? wait(position: position, provider: flow.provider))
    }
    return places
  }

  /// The flows whose next SMS go first, in that order, as things stand: what their position says.
  /// - Parameters:
  ///   - classes: Others are left out, but counted.
  ///   - limit: At most so many.
  public func nextFlows(in classes: [MessageClass] = MessageClass.allCases, limit: Int) -> [FlowKey] {
    guard isKnown else { return [] }
    var found: [(position: Int, place: Int, key: FlowKey)] = []
    for messageClass in classes {
      let lines = classLines[messageClass.place]
      let order = lines.lines.indices.sorted {
        (lines.lines[$0].tag, lines.lines[$0].order) < (lines.lines[$1].tag, lines.lines[$1].order)
      }
      // Flows with the same pin go in the order of their tags; one with another may have fewer that compete with it.
      var counts = [Int](repeating: 0, count: pins.names.count)
      for (place, index) in order.enumerated() where counts[lines.lines[index].pin] < limit {
        let own = lines.lines[index]
        counts[own.pin] += 1
        let competes = competingPins(with: lines.keys[index].provider)
        // Only flows that began before it have SMS before its next one.
        let rank = order.prefix(place).reduce(0) { rank, other in
          let line = lines.lines[other]
          return competes[line.pin] ? rank + line.turns(until: own.tag, winningTies: line.order < own.order) : rank
        }
        found.append((position(of: messageClass, rank: rank, competes: competes), found.count, lines.keys[index]))
      }
    }
    return found.sorted { ($0.position, $0.place) < ($1.position, $1.place) }.prefix(limit).map(\.key)
  }

  /// Of a queue that is run forward; `nil` where a position gives the time.
  private func forecastSeconds(in flow: FlowKey, ahead: [Int]) -> [Double?] {
    guard isSending, let forecast, let pin = pins.known(flow.provider) else { return ahead.map { _ in nil } }
    let rate = pace(for: flow.provider).rate
    return ranks(in: flow, ahead: ahead) { $0 == pin }.map { rank in
      forecast.seconds(until: rank, of: flow.messageClass, pin: pin, rate: rate)
    }
  }
}
