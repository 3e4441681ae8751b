import Crypto
import Foundation

/// RabbitMQ's definitions file: what `rabbitmqctl import_definitions` and `load_definitions` read.
public struct BrokerDefinitions: Sendable {
  public var topology: BrokerTopology
  public var target: BrokerTopology.Target
  /// Passwords by user; a user without one cannot log in.
  public var passwords: [String: String]
  public var log: LogSize

  public init(
    topology: BrokerTopology, target: BrokerTopology.Target, passwords: [String: String] = [:], log: LogSize = LogSize()
  ) {
    self.log = log
    self.topology = topology
    self.target = target
    self.passwords = passwords
  }

  /// The file's text, with sorted keys, so that it can be compared.
  public func json() throws -> String {
    let vhost = BrokerNames.virtualHost
    let document: [String: Any] = [
      "vhosts": [["name": vhost]],
      "exchanges": topology.exchanges.map {
        [
          "name": $0.name, "vhost": vhost, "type": $0.type, "durable": true, "auto_delete": false, "internal": false,
          "arguments": [String: Any](),
        ] as [String: Any]
      },
      "queues": topology.queues.map {
        [
          "name": $0.name, "vhost": vhost, "durable": true, "auto_delete": false,
          "arguments": ["x-queue-type": $0.type],
        ] as [String: Any]
      },
      "bindings": topology.bindings.map {
        [
          "source": $0.exchange, "vhost": vhost, "destination": $0.queue, "destination_type": "queue",
          "routing_key": $0.key, "arguments": [String: Any](),
        ] as [String: Any]
      },
      "policies": BrokerPolicy.all(for: target, log: log).map { policy in
        [
          "name": policy.name, "vhost": vhost, "pattern": policy.pattern, "apply-to": policy.appliesTo,
          "priority": policy.priority, "definition": policy.definition.mapValues(\.json),
        ] as [String: Any]
      },
      "users": BrokerUser.all.map { user in
        [
          "name": user.name, "tags": user.tags, "hashing_algorithm": "rabbit_password_hashing_sha256",
          "password_hash": passwords[user.name].map(passwordHash) ?? "", "limits": [String: Any](),
        ] as [String: Any]
      },
      "permissions": BrokerUser.all.map {
        ["user": $0.name, "vhost": vhost, "configure": "^$", "write": $0.write, "read": $0.read]
      },
      "topic_permissions": BrokerUser.all.flatMap { user in
        user.topics.sorted { $0.key < $1.key }.map {
          ["user": user.name, "vhost": vhost, "exchange": $0.key, "write": $0.value, "read": ".*"]
        }
      },
    ]
    let data = try JSONSerialization.data(
      withJSONObject: document, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data, as: UTF8.self) + "\n"
  }

  /// RabbitMQ's salted SHA-256: base64 of a 4-byte salt and SHA-256(salt + password)
  /// (RabbitMQ documentation, "Passwords", "Computing Password Hash").
  private func passwordHash(_ password: String) -> String {
    let salt = (0..<4).map { _ in UInt8.random(in: .min ... .max) }
    return Data(salt + Array(SHA256.hash(data: salt + Array(password.utf8)))).base64EncodedString()
  }
}

extension BrokerPolicy.Value {
  fileprivate var json: Any {
    switch self {
    case .text(let text): text
    case .number(let number): number
    }
  }
}
