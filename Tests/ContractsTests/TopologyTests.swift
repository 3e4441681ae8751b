import Contracts
import Foundation
import Testing

@Suite("Broker topology")
struct TopologyTests {
  @Test("every type of message has a way to a queue")
  func routed() {
    let topology = BrokerTopology(providers: ["hkt"])
    for type in MessageType.allCases {
      let key = type == .send ? BrokerNames.send("hkt") : type.rawValue
      let isRouted = topology.bindings.contains { binding in
        let pattern = binding.key.split(separator: ".")
        let words = key.split(separator: ".")
        return binding.exchange != BrokerNames.dead
          && (binding.key == "#"
            || (pattern.count == words.count && zip(pattern, words).allSatisfy { $0 == "*" || $0 == $1 }))
      }
      #expect(isRouted, "\(key) goes nowhere")
    }
  }

  @Test("every queue but the log can be given back its repaired poison")
  func returning() {
    let topology = BrokerTopology(providers: ["a", "b"])
    for queue in topology.queues where ![BrokerNames.log, BrokerNames.poison, BrokerNames.probes].contains(queue.name) {
      #expect(topology.bindings.contains { $0.exchange == BrokerNames.returning && $0.key == queue.name })
    }
  }

  @Test("what is confirmed at the exchange of submissions is in the scheduler's queue")
  func submissions() {
    let topology = BrokerTopology(providers: ["hkt"])
    #expect(topology.bindings.filter { $0.exchange == BrokerNames.submit }.map(\.queue) == [BrokerNames.submissions])
    #expect(topology.bindings.filter { $0.exchange == BrokerNames.events }.map(\.queue).contains(BrokerNames.log))
  }

  @Test("every service may send a probe and every account but the check's may write poison")
  func probes() {
    for user in BrokerUser.all where user.name != "topology" {
      for exchange in [BrokerNames.probe, BrokerNames.dead] {
        #expect(exchange.range(of: user.write, options: .regularExpression) != nil, "\(user.name): \(exchange)")
      }
    }
  }

  @Test("definitions for both broker generations are JSON with the policies each understands")
  func definitions() throws {
    for target in BrokerTopology.Target.allCases {
      let text = try BrokerDefinitions(topology: BrokerTopology(providers: ["hkt"]), target: target).json()
      let document = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
      let policies = try #require(document["policies"] as? [[String: Any]])
      let kinds = Set(policies.compactMap { $0["apply-to"] as? String })
      #expect(kinds == (target == .v3_10 ? ["queues"] : ["quorum_queues", "streams"]))
      #expect((document["users"] as? [[String: Any]])?.allSatisfy { $0["password_hash"] as? String == "" } == true)
    }
  }

  @Test("no service may configure anything or publish to another's queue")
  func leastPrivilege() throws {
    let text = try BrokerDefinitions(topology: BrokerTopology(providers: ["hkt"]), target: .v4).json()
    let document = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let permissions = try #require(document["permissions"] as? [[String: Any]])
    #expect(permissions.allSatisfy { $0["configure"] as? String == "^$" })
    let writers = BrokerUser.all.filter { user in
      BrokerNames.returning.range(of: user.write, options: .regularExpression) != nil
    }
    #expect(writers.map(\.name) == ["dead-letter"])
  }
}
