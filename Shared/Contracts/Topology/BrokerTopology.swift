/// Everything that must exist at the broker, for a given list of providers.
///
/// One owner: the definitions in `deploy/rabbitmq`, the check at start and the tests all come from here.
public struct BrokerTopology: Sendable, Hashable {
  /// The broker generation that definitions are written for; they differ in what a policy may say.
  public enum Target: String, Sendable, CaseIterable {
    case v3_10 = "3.10"
    case v4 = "4.x"
  }

  public struct Exchange: Sendable, Hashable {
    public var name: String
    /// `topic`, `direct` or `fanout`.
    public var type: String
  }

  public struct Queue: Sendable, Hashable {
    public var name: String
    /// `quorum` or `stream`; the only argument, since all others can change by policy.
    public var type: String
  }

  public struct Binding: Sendable, Hashable {
    public var exchange: String
    public var queue: String
    public var key: String

    public init(exchange: String, queue: String, key: String) {
      self.exchange = exchange
      self.queue = queue
      self.key = key
    }
  }

  public var exchanges: [Exchange]
  public var queues: [Queue]
  public var bindings: [Binding]

  /// The topology for these providers; their names are the queues' names.
  public init(providers: [String]) {
    exchanges = [
      Exchange(name: BrokerNames.events, type: "topic"), Exchange(name: BrokerNames.commands, type: "topic"),
      Exchange(name: BrokerNames.submit, type: "fanout"), Exchange(name: BrokerNames.dead, type: "fanout"),
      Exchange(name: BrokerNames.returning, type: "direct"), Exchange(name: BrokerNames.probe, type: "fanout"),
    ]
    var queues: [Queue] = []
    var bindings: [Binding] = []
    func queue(_ name: String, _ exchange: String, _ keys: [String]) {
      queues.append(Queue(name: name, type: "quorum"))
      bindings += keys.map { Binding(exchange: exchange, queue: name, key: $0) }
      bindings.append(Binding(exchange: BrokerNames.returning, queue: name, key: name))
    }
    queue(BrokerNames.submissions, BrokerNames.submit, [""])
    queue(
      BrokerNames.schedulerCommands, BrokerNames.commands,
      ["message.*", "unit.*", "replay.*", "provider.*", "sending.*"])
    queue(
      BrokerNames.outcomes, BrokerNames.commands,
      [MessageType.attemptOutcome.rawValue, MessageType.sendExpired.rawValue])
    queue(
      BrokerNames.deadLetterUnits, BrokerNames.events,
      ["unit.dead", "letter.closed", "letter.finished", "command.answered"])
    queue(BrokerNames.deadLetterCommands, BrokerNames.commands, ["dead_letter.*", "poison.*"])
    for provider in providers {
      queue(BrokerNames.send(provider), BrokerNames.commands, [BrokerNames.send(provider)])
    }
    queues.append(Queue(name: BrokerNames.poison, type: "quorum"))
    bindings.append(Binding(exchange: BrokerNames.dead, queue: BrokerNames.poison, key: ""))
    queues.append(Queue(name: BrokerNames.probes, type: "quorum"))
    bindings.append(Binding(exchange: BrokerNames.probe, queue: BrokerNames.probes, key: ""))
    queues.append(Queue(name: BrokerNames.log, type: "stream"))
    bindings.append(Binding(exchange: BrokerNames.events, queue: BrokerNames.log, key: "#"))
    self.queues = queues
    self.bindings = bindings
  }
}
