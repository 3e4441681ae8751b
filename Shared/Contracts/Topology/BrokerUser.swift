/// A broker account with no more rights than its service needs; none may configure anything.
public struct BrokerUser: Sendable, Hashable {
  public var name: String
  /// `monitoring` for the one that reads the management API.
  public var tags: [String]
  /// Exchanges it may publish to, as a regular expression.
  public var write: String
  /// Queues it may consume from, as a regular expression.
  public var read: String
  /// Routing keys it may publish with, by topic exchange.
  public var topics: [String: String]

  /// The five services' accounts and the one of `topology check`.
  public static let all: [BrokerUser] = [
    BrokerUser(
      name: "api-gateway", tags: [], write: #"^sluice\.(events|submissions|commands|dead|probe)$"#,
      read: #"^events\.log$"#,
      topics: [
        BrokerNames.events: #"^(message\.accepted|user\.changed)$"#,
        BrokerNames.commands: #"^(message|unit|replay|provider|sending|dead_letter|poison)\.[a-z_]+$"#,
      ]),
    BrokerUser(
      name: "scheduler", tags: [], write: #"^sluice\.(events|commands|dead|probe)$"#,
      read: #"^(scheduler\.|events\.log$)"#,
      topics: [
        BrokerNames.events: #"^(message|unit|letter|provider|queue|ledger|command)\.[a-z_]+$"#,
        BrokerNames.commands: #"^send\.[a-z0-9-]+$"#,
      ]),
    BrokerUser(
      name: "sender", tags: [], write: #"^sluice\.(commands|dead|probe)$"#, read: #"^send\."#,
      topics: [
        BrokerNames.events: "^$",
        BrokerNames.commands: #"^(attempt\.outcome|send\.expired)$"#,
      ]),
    BrokerUser(
      name: "dead-letter", tags: [], write: #"^sluice\.(events|commands|dead|return|probe)$"#, read: #"^dead-letter\."#,
      topics: [
        BrokerNames.events: #"^(letter\.opened|command\.answered)$"#,
        BrokerNames.commands: #"^(unit\.(replay|settle)|replay\.cancel)$"#,
      ]),
    BrokerUser(
      name: "status-projector", tags: [], write: #"^sluice\.(dead|probe)$"#, read: #"^events\.log$"#,
      topics: [BrokerNames.events: "^$", BrokerNames.commands: "^$"]),
    BrokerUser(name: "topology", tags: ["monitoring"], write: "^$", read: "^$", topics: [:]),
  ]
}
