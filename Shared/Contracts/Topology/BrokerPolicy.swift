/// A broker policy: what about a queue can change live.
public struct BrokerPolicy: Sendable, Hashable {
  /// A policy's value.
  public enum Value: Sendable, Hashable {
    case text(String)
    case number(Int)
  }

  public var name: String
  public var pattern: String
  /// `queues` on 3.10; 4.x can name the queue type.
  public var appliesTo: String
  public var priority: Int
  public var definition: [String: Value]

  /// The policies for one broker generation.
  ///
  /// A work queue sends what was delivered 200 times to `sluice.dead`, at least once (this needs `reject-publish`:
  /// RabbitMQ's documentation of quorum queues, "Activating at-least-once dead-lettering"). The poison queue itself has
  /// no such exit: its messages must stay, also on 4.x, whose default limit is 20.
  /// - Parameter log: How much of the log is kept.
  public static func all(for target: BrokerTopology.Target, log: LogSize = LogSize()) -> [BrokerPolicy] {
    let (quorum, streams) =
      switch target {
      case .v3_10: ("queues", "queues")
      case .v4: ("quorum_queues", "streams")
      }
    return [
      BrokerPolicy(
        name: "sluice-work", pattern: #"^(scheduler|send)\..*|^dead-letter\.(units|commands)$"#, appliesTo: quorum,
        priority: 10,
        definition: [
          "delivery-limit": .number(200), "dead-letter-exchange": .text(BrokerNames.dead),
          "dead-letter-strategy": .text("at-least-once"), "overflow": .text("reject-publish"),
        ]),
      BrokerPolicy(
        name: "sluice-poison", pattern: #"^dead-letter\.poison$"#, appliesTo: quorum, priority: 10,
        definition: ["delivery-limit": .number(1_000_000_000)]),
      BrokerPolicy(
        name: "sluice-probes", pattern: #"^probes$"#, appliesTo: quorum, priority: 10,
        definition: ["max-length": .number(1), "overflow": .text("drop-head")]),
      BrokerPolicy(
        name: "sluice-log", pattern: #"^events\.log$"#, appliesTo: streams, priority: 10,
        definition: [
          "max-age": .text("\(log.days)D"), "max-length-bytes": .number(log.bytes),
          "stream-max-segment-size-bytes": .number(100_000_000),
        ]),
    ]
  }
}
