import Foundation

/// Three RabbitMQ nodes that are one, each on an address of its own of this machine.
public struct RabbitMQCluster: Sendable {
  public let nodes: [RabbitMQNode]
  private let places: [RabbitMQNode.Placement]

  /// Starts three nodes and joins them; definitions may be imported then.
  public static func start() async throws -> RabbitMQCluster {
    let (port, cookie) = (Int.random(in: 21_000..<31_000), UUID().uuidString)
    let places = (1...3).map { RabbitMQNode.Placement(address: "127.0.77.\($0)", port: port, cookie: cookie) }
    var nodes: [RabbitMQNode] = []
    for place in places { nodes.append(try await RabbitMQNode.start(at: place)) }
    for node in nodes.dropFirst() {
      try await node.ctl("stop_app")
      try await node.ctl("join_cluster", places[0].nodeName)
      try await node.ctl("start_app")
    }
    return RabbitMQCluster(nodes: nodes, places: places)
  }

  /// The hosts as a broker URL has them, with their ports.
  public var hosts: String {
    nodes.compactMap { URL(string: $0.amqpURL) }.map { "\($0.host() ?? ""):\($0.port ?? 5672)" }.joined(separator: ",")
  }

  /// The node on which the leader of a queue or stream is.
  public func leader(of queue: String, in virtualHost: String) async throws -> Int {
    let answer = try await nodes[0].management.get("/api/queues/\(virtualHost)/\(queue)")
    let name = answer.json.leader.string ?? answer.json.node.string
    guard let index = places.firstIndex(where: { $0.nodeName == name }) else {
      throw StackError("\(queue) has no leader: \(answer.text)")
    }
    return index
  }

  /// Cuts a node off from the others. It still takes connections.
  public func cutOff(_ index: Int) async throws {
    for peer in places.indices where peer != index {
      let name = "'\(places[peer].nodeName)'"
      try await nodes[index].ctl("eval", "erlang:set_cookie(\(name), bad), erlang:disconnect_node(\(name)).")
    }
  }

  /// Lets a node find the others again.
  public func heal(_ index: Int) async throws {
    for peer in places.indices where peer != index {
      let name = "'\(places[peer].nodeName)'"
      try await nodes[index].ctl(
        "eval", "erlang:set_cookie(\(name), '\(places[index].cookie)'), net_adm:ping(\(name)).")
    }
  }

  public func stop() async throws { for node in nodes { try await node.stop() } }
}
