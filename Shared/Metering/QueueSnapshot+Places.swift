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
    return places(in: flow, ahead: Set(ahead).sorted(), rivals(of: flow))
  }

  private func places(in flow: FlowKey, ahead: [Int], _ rivals: Rivals) -> [Int: Place] {
    let foretold = isMixed(rivals) ? foretold(in: flow, ahead: ahead, rivals) : nil
    let ranks = foretold == nil ? ranks(in: flow, ahead: ahead, rivals) : []
    let pace = pace(for: flow.providers)
    var places: [Int: Place] = [:]
    for (index, place) in ahead.enumerated() {
      if let foretold {
        places[place] = Place(
          position: max(place, foretold[index].position),
          wait: isSending ? Estimate(seconds: foretold[index].seconds) : nil)
      } else {
        let position = position(of: flow, rank: ranks[index], rivals)
        places[place] = Place(
          position: position,
          wait: isSending ? pace.seconds(until: Double(position)).flatMap { Estimate(seconds: $0) } : nil)
      }
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
      for (set, indices) in Dictionary(grouping: lines.lines.indices, by: { lines.lines[$0].set }).sorted(by: {
        $0.key < $1.key
      }) {
        // Flows of one set go in the order of their tags where they meet.
        let home = ways.meeting(of: set, with: set) ?? ProviderWays.nowhere
        let order = indices.map { (tag: lines.lines[$0].turn(at: home).tag, order: lines.lines[$0].order, index: $0) }
          .sorted { ($0.tag, $0.order) < ($1.tag, $1.order) }
        for next in order.prefix(limit) {
          let key = lines.keys[next.index]
          found.append((position(in: key, ahead: 0) ?? 0, found.count, key))
        }
      }
    }
    return found.sorted { ($0.position, $0.place) < ($1.position, $1.place) }.prefix(limit).map(\.key)
  }

  /// Of a queue that is run forward: when SMS of a flow go, and how many others their providers carry before; `nil` where
  /// nobody of their class and providers was waiting then.
  private func foretold(
    in flow: FlowKey, ahead: [Int], _ rivals: Rivals
  ) -> [(position: Int, seconds: Double)]? {
    guard let forecast, rivals.own < ways.going.count else { return nil }
    let going = ways.going[rivals.own]
    var alike = rivals
    for set in alike.meetings.indices where ways.going[set] != going { alike.meetings[set] = nil }
    let rate = pace(for: flow.providers).rate
    let answers = ranks(in: flow, ahead: ahead, alike).map {
      forecast.place(rank: $0, of: flow.messageClass, going: going, rate: rate)
    }
    return answers.contains { $0 == nil } ? nil : answers.compactMap { $0 }
  }
}
