import Contracts
import Foundation
import HTTPTransport
import Logging

/// Why the broker could not be asked; never holds the password.
struct ManagementAPIError: Error {
  var message: String
}

/// RabbitMQ's management API, as far as a check needs it.
struct ManagementAPI {
  var url: String
  var user: String
  var password: String

  private struct Exchange: Decodable {
    var name: String
    var type: String
  }

  private struct Queue: Decodable {
    var name: String
    var type: String
    var durable: Bool
    var arguments: [String: ArgumentValue]
    /// Of a quorum queue or stream.
    var members: [String]?
  }

  private struct Node: Decodable {
    var name: String
  }

  private struct Policy: Decodable {
    var name: String
  }

  private struct Binding: Decodable {
    var source: String
    var destination: String
    var destination_type: String
    var routing_key: String
  }

  /// Only the name of an argument is of interest.
  private struct ArgumentValue: Decodable {
    init(from decoder: any Decoder) throws {}
  }

  func topology() async throws -> FoundTopology {
    let transport = HTTPTransport(
      configuration: HTTPTransportConfiguration(allowInsecureHTTP: true), logger: Logger(label: "topology"))
    defer { transport.close() }
    var found = FoundTopology()
    for exchange in try await get("exchanges", as: [Exchange].self, transport) {
      found.exchanges[exchange.name] = exchange.type
    }
    for queue in try await get("queues", as: [Queue].self, transport) {
      found.queues[queue.name] = FoundTopology.Queue(
        type: queue.type, isDurable: queue.durable, arguments: Set(queue.arguments.keys),
        members: Set(queue.members ?? []))
    }
    found.nodes = Set(try await get("nodes", as: [Node].self, transport).map(\.name))
    for policy in try await get("policies", as: [Policy].self, transport) { found.policies.insert(policy.name) }
    for binding in try await get("bindings", as: [Binding].self, transport) where binding.destination_type == "queue" {
      found.bindings.insert(
        BrokerTopology.Binding(
          exchange: binding.source, queue: binding.destination, key: binding.routing_key))
    }
    return found
  }

  private func get<Answer: Decodable>(
    _ kind: String, as: Answer.Type, _ transport: HTTPTransport
  ) async throws -> Answer {
    let credentials = Data("\(user):\(password)".utf8).base64EncodedString()
    let exchange = await transport.perform(
      HTTPTransportRequest(
        method: "GET", url: "\(url)/api/\(kind)\(kind == "nodes" ? "" : "/\(BrokerNames.virtualHost)")",
        headers: [("Authorization", "Basic \(credentials)")], body: [], connectTimeout: .seconds(3),
        timeout: .seconds(10), responseLimit: 16 << 20))
    switch exchange.result {
    case .response(200, _, let body, true):
      do {
        return try JSONDecoder().decode(Answer.self, from: Data(body))
      } catch {
        throw ManagementAPIError(message: "the management API's answer about \(kind) is not readable")
      }
    case .response(let status, _, _, _):
      throw ManagementAPIError(message: "the management API answered \(status) when asked for \(kind)")
    case .notSent(let failure), .unknown(let failure):
      throw ManagementAPIError(message: "the management API cannot be reached: \(failure.message)")
    case .claimExpired:
      throw ManagementAPIError(message: "the management API was not asked")
    }
  }
}
