import Contracts

extension QueueSnapshot {
  /// A flow in which SMS wait.
  public struct WaitingFlow: Sendable, Hashable {
    public var key: FlowKey
    /// SMS that wait.
    public var backlog: Int
    /// Virtual start tag of its next SMS, in ticks of 2⁻²⁴: within a class the smallest goes first.
    public var tag: Int64
    /// Its weight in its class.
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
    /// The weights of its flows together, but for those whose provider stands still.
    fileprivate var weights: Double
  }

  /// The three classes, the most urgent first. A class in which nothing can go has no share.
  public var waitingClasses: [WaitingClass] {
    let competes = competingPins(with: nil)
    var classes = MessageClass.allCases.map { messageClass in
      let lines = classLines[messageClass.place]
      return WaitingClass(
        messageClass: messageClass, backlog: lines.backlogs.values.reduce(0, +), flows: lines.keys.count, share: 0,
        weights: lines.lines.reduce(0) { competes[$1.pin] ? $0 + $1.weight : $0 })
    }
    let sum = classes.reduce(0) { $1.weights > 0 ? $0 + $1.messageClass.weight : $0 }
    for index in classes.indices where classes[index].weights > 0 {
      classes[index].share = classes[index].messageClass.weight / sum
    }
    return classes
  }

  /// A flow; `nil` when nothing waits in it.
  /// - Parameter classes: What `waitingClasses` said.
  public func waitingFlow(_ key: FlowKey, among classes: [WaitingClass]) -> WaitingFlow? {
    guard let line = classLines[key.messageClass.place].line(of: key) else { return nil }
    let own = classes.first { $0.messageClass == key.messageClass }
    let canGo = competingPins(with: nil)[line.pin]
    return WaitingFlow(
      key: key, backlog: line.backlog, tag: line.tag, weight: line.weight,
      share: own.map { canGo && $0.weights > 0 ? $0.share * line.weight / $0.weights : 0 } ?? 0)
  }
}

extension FlowLine {
  var weight: Double { Double(VirtualTime.unit) / Double(step) }
}
