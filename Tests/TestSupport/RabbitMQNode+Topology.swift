import Foundation

/// A virtual host of a test's node, and what a test needs in it.
public struct RabbitMQVirtualHost: Sendable {
  public let node: RabbitMQNode
  public let name: String

  public var amqpURL: String {
    let base = node.amqpURL
    return (base.lastIndex(of: "/").map { String(base[...$0]) } ?? base) + escape(name)
  }

  /// Creates a durable queue, bound to nothing.
  public func declareQueue(_ queue: String, type: String = "quorum", arguments: [String: JSONValue] = [:]) async throws
  {
    let arguments = arguments.merging(["x-queue-type": .string(type)]) { own, _ in own }
    try await expect(
      "PUT", "/api/queues/\(escape(name))/\(escape(queue))",
      .object(["durable": true, "arguments": .object(arguments)]))
  }

  public func deleteQueue(_ queue: String) async throws {
    try await expect("DELETE", "/api/queues/\(escape(name))/\(escape(queue))", nil)
  }

  public func declareExchange(_ exchange: String, type: String = "topic") async throws {
    try await expect(
      "PUT", "/api/exchanges/\(escape(name))/\(escape(exchange))",
      .object(["durable": true, "type": .string(type)]))
  }

  public func bind(_ queue: String, to exchange: String, key: String) async throws {
    try await expect(
      "POST", "/api/bindings/\(escape(name))/e/\(escape(exchange))/q/\(escape(queue))",
      .object(["routing_key": .string(key)]))
  }

  /// Makes the broker close all connections to this virtual host.
  public func closeConnections() async throws {
    try await node.ctl("close_all_connections", "--vhost", name, "closed by a test")
  }

  /// Deletes it with everything in it; connections to it are closed.
  public func delete() async throws { try await expect("DELETE", "/api/vhosts/\(escape(name))", nil) }

  fileprivate func expect(_ method: String, _ path: String, _ body: JSONValue?) async throws {
    let answer = try await node.management.send(method, path, body)
    guard (200..<300).contains(answer.status) else {
      throw StackError("\(method) \(path): \(answer.status) \(answer.text)")
    }
  }

  fileprivate func escape(_ name: String) -> String {
    name.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? name
  }
}

extension RabbitMQNode {
  public var defaultVirtualHost: RabbitMQVirtualHost { RabbitMQVirtualHost(node: self, name: "/") }

  /// Creates a virtual host with a name of its own.
  public func makeVirtualHost() async throws -> RabbitMQVirtualHost {
    let host = RabbitMQVirtualHost(node: self, name: "test-\(UUID().uuidString)")
    try await host.expect("PUT", "/api/vhosts/\(host.escape(host.name))", .object([:]))
    return host
  }
}
