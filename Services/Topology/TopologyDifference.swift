import Contracts

/// What is wrong with a broker, in sentences. Pure. What is there beyond the needed is not wrong.
struct TopologyDifference {
  var needed: BrokerTopology
  var found: FoundTopology

  /// What is not wrong, and better otherwise.
  var remarks: [String] {
    let old = BrokerTopology.Binding(
      exchange: BrokerNames.events, queue: BrokerNames.submissions, key: MessageType.messageAccepted.rawValue)
    guard found.bindings.contains(old) else { return [] }
    return [
      "binding \(old.exchange) -> \(old.queue) with key '\(old.key)' is of an older version: remove it "
        + "when all gateways are new"
    ]
  }

  var problems: [String] {
    var problems: [String] = []
    for exchange in needed.exchanges {
      guard let type = found.exchanges[exchange.name] else {
        problems.append("exchange \(exchange.name) is missing")
        continue
      }
      if type != exchange.type { problems.append("exchange \(exchange.name) is \(type), needed is \(exchange.type)") }
    }
    for queue in needed.queues {
      guard let existing = found.queues[queue.name] else {
        problems.append("queue \(queue.name) is missing")
        continue
      }
      if existing.type != queue.type {
        problems.append("queue \(queue.name) is of type \(existing.type), needed is \(queue.type)")
      }
      let missing = found.nodes.subtracting(existing.members).sorted()
      if !existing.members.isEmpty, !missing.isEmpty {
        let nodes = missing.joined(separator: ", ")
        problems.append("queue \(queue.name) has no member on \(nodes): see rabbitmq-queues grow")
      }
      if !existing.isDurable { problems.append("queue \(queue.name) is not durable") }
      for argument in existing.arguments.sorted() where argument != "x-queue-type" {
        problems.append("queue \(queue.name) has the argument \(argument); what can change live belongs in a policy")
      }
    }
    for binding in needed.bindings where !found.bindings.contains(binding) {
      problems.append("binding \(binding.exchange) -> \(binding.queue) with key '\(binding.key)' is missing")
    }
    // Both generations have the same policies by name; they differ in what they apply to.
    for policy in BrokerPolicy.all(for: .v4) where !found.policies.contains(policy.name) {
      problems.append("policy \(policy.name) is missing")
    }
    return problems
  }
}

/// What exists at a broker, as far as it matters here.
struct FoundTopology: Sendable {
  struct Queue: Sendable {
    var type: String
    var isDurable: Bool
    var arguments: Set<String>
    /// Nodes that hold a copy; empty when the broker does not say.
    var members: Set<String> = []
  }

  /// Type by name.
  var exchanges: [String: String] = [:]
  var queues: [String: Queue] = [:]
  var bindings: Set<BrokerTopology.Binding> = []
  var policies: Set<String> = []
  /// All of the cluster.
  var nodes: Set<String> = []
}
