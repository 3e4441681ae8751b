import Contracts
import Foundation
import TestSupport
import Testing

extension Stack {
  /// Publishes a command as the gateway would, through the broker's management API.
  func publish<Body: Payload>(_ command: Body) async throws {
    let envelope = Envelope(command)
    try await publish(
      try Wire.encode(envelope), to: BrokerNames.commands, key: Body.type.rawValue,
      messageID: envelope.header.id.description, type: Body.type.rawValue)
  }

  /// Publishes any bytes, as the broker's administrator; somebody must take them.
  func publish(
    _ body: [UInt8], to exchange: String, key: String, messageID: String = UUID().uuidString, type: String? = nil
  ) async throws {
    var properties: [String: JSONValue] = ["delivery_mode": 2, "message_id": .string(messageID)]
    if let type { properties["type"] = .string(type) }
    let answer = try await JSONClient(base: managementURL).post(
      "/api/exchanges/\(BrokerNames.virtualHost)/\(exchange)/publish",
      [
        "routing_key": .string(key), "payload_encoding": "base64",
        "payload": .string(Data(body).base64EncodedString()), "properties": .object(properties),
      ])
    try #require(answer.json.routed.bool == true, "\(answer.text)")
  }
}
