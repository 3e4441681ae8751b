import Contracts
import Foundation
import Testing

@testable import Topology

@Suite("Definitions and the check")
struct DefinitionsFilesTests {
  @Test("the files in deploy/rabbitmq are what the topology says", arguments: BrokerTopology.Target.allCases)
  func files(target: BrokerTopology.Target) throws {
    let root = URL(filePath: #filePath).appending(path: "../../..").standardized
    let file = root.appending(path: "deploy/rabbitmq/definitions-\(target.rawValue).json")
    let generated = try BrokerDefinitions(topology: BrokerTopology(providers: ["hkt"]), target: target).json()
    let committed = try String(contentsOf: file, encoding: .utf8)
    #expect(
      committed == generated, "topology definitions --target \(target.rawValue) --providers deploy/local/providers.yaml"
    )
  }

  /// A broker on which everything is as needed.
  private func found(_ topology: BrokerTopology) -> FoundTopology {
    FoundTopology(
      exchanges: Dictionary(uniqueKeysWithValues: topology.exchanges.map { ($0.name, $0.type) }),
      queues: Dictionary(
        uniqueKeysWithValues: topology.queues.map {
          ($0.name, FoundTopology.Queue(type: $0.type, isDurable: true, arguments: ["x-queue-type"]))
        }), bindings: Set(topology.bindings), policies: Set(BrokerPolicy.all(for: .v4).map(\.name)))
  }

  @Test("a broker as needed has no problems, and more than needed is none")
  func asNeeded() {
    let topology = BrokerTopology(providers: ["hkt"])
    var broker = found(BrokerTopology(providers: ["hkt", "another"]))
    broker.exchanges["amq.topic"] = "topic"
    #expect(TopologyDifference(needed: topology, found: broker).problems.isEmpty)
  }

  @Test("a queue that is not on every node of the cluster is named; an older version's binding is no problem")
  func cluster() {
    let topology = BrokerTopology(providers: ["hkt"])
    var broker = found(topology)
    broker.nodes = ["rabbit@a", "rabbit@b"]
    for name in broker.queues.keys { broker.queues[name]?.members = broker.nodes }
    broker.queues["events.log"]?.members = ["rabbit@a"]
    broker.bindings.insert(.init(exchange: "sluice.events", queue: "scheduler.submissions", key: "message.accepted"))
    let difference = TopologyDifference(needed: topology, found: broker)
    #expect(difference.problems == ["queue events.log has no member on rabbit@b: see rabbitmq-queues grow"])
    #expect(difference.remarks.count == 1)
  }

  @Test("the log has room for its days at the providers' full rate")
  func logSize() {
    #expect(LogSize.forRate(2, days: 7) == LogSize())
    #expect(LogSize.forRate(150, days: 7).bytes == 150 * 7 * 86_400 * 3_000)
    #expect(LogSize.forRate(.infinity, days: 1).bytes > 0)
  }

  @Test("what is missing or different is named")
  func problems() {
    let topology = BrokerTopology(providers: ["hkt"])
    var broker = found(topology)
    broker.exchanges["sluice.dead"] = "direct"
    broker.queues["send.hkt"] = nil
    broker.queues["scheduler.outcomes"]?.type = "classic"
    broker.queues["scheduler.commands"]?.arguments.insert("x-max-priority")
    broker.bindings = broker.bindings.filter { $0.queue != "events.log" }
    broker.policies.remove("sluice-work")
    #expect(
      TopologyDifference(needed: topology, found: broker).problems == [
        "exchange sluice.dead is direct, needed is fanout",
        "queue scheduler.commands has the argument x-max-priority; what can change live belongs in a policy",
        "queue scheduler.outcomes is of type classic, needed is quorum",
        "queue send.hkt is missing",
        "binding sluice.events -> events.log with key '#' is missing",
        "policy sluice-work is missing",
      ])
  }
}
