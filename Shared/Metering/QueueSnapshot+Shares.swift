import Contracts

extension QueueSnapshot {
  /// A flow in which SMS wait.
  public struct WaitingFlow: Sendable, Hashable {
    public var key: FlowKey
    /// SMS that wait.
    public var backlog: Int
    /// Virtual start tag of its next SMS, in ticks of 2⁻²⁴, at the fastest of its providers: the smallest goes first there.
    public var tag: Int64
    /// Its weight in its class, at that provider.
    public var weight: Double
    /// Its share of what goes, from 0 to 1, while everybody who waits now waits.
    public var share: Double
  }

  /// A class and what waits in it.
  public struct WaitingClass: Sendable, Hashable {
    public var messageClass: MessageClass
    /// SMS that wait.
    public var backlog: Int
    /// Flows in which SMS wait.
    public var flows: Int
    /// Its share of what goes, from 0 to 1.
    public var share: Double
    /// By number of a provider: what part of all that goes one unit of weight in this class gets there.
    fileprivate var parts: [Int: Double]
  }

  /// The three classes, the most urgent first. A class in which nothing can go has no share.
  public var waitingClasses: [WaitingClass] {
    // The weights of each class at each provider that works.
    let weights = MessageClass.allCases.map { messageClass in
      var weights: [Int: Double] = [:]
      for line in classLines[messageClass.place].lines {
        for provider in ways.going[line.set] { weights[provider, default: 0] += line.line(at: provider).weight }
      }
      return weights
    }
    let busy = Set(weights.flatMap(\.keys))
    let rates = Dictionary(
      uniqueKeysWithValues: busy.map { ($0, providers[sets.providers[$0]]?.effectiveRate ?? 0) })
    let sum = rates.values.reduce(0, +)
    return MessageClass.allCases.map { messageClass in
      let lines = classLines[messageClass.place]
      var share = 0.0
      var parts: [Int: Double] = [:]
      for (provider, weight) in weights[messageClass.place] where weight > 0 && sum > 0 {
        let rivals = MessageClass.allCases.reduce(0) { $0 + (weights[$1.place][provider] == nil ? 0 : $1.weight) }
        let part = messageClass.weight / rivals * (rates[provider] ?? 0) / sum
        share += part
        parts[provider] = part / weight
      }
      return WaitingClass(
        messageClass: messageClass, backlog: lines.backlogs.values.reduce(0, +), flows: lines.keys.count, share: share,
        parts: parts)
    }
  }

  /// A flow; `nil` when nothing waits in it.
  /// - Parameter classes: What `waitingClasses` said.
  public func waitingFlow(_ key: FlowKey, among classes: [WaitingClass]) -> WaitingFlow? {
    guard let line = classLines[key.messageClass.place].line(of: key) else { return nil }
    let own = classes.first { $0.messageClass == key.messageClass }
    let home = line.line(at: ways.meeting(of: line.set, with: line.set) ?? ProviderWays.nowhere)
    return WaitingFlow(
      key: key, backlog: line.backlog, tag: home.tag, weight: home.weight,
      share: ways.going[line.set].reduce(0) { $0 + (own?.parts[$1] ?? 0) * line.line(at: $1).weight })
  }
}

extension FlowLine {
  var weight: Double { Double(VirtualTime.unit) / Double(step) }
}
