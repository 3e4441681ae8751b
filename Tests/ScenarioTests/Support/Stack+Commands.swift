import Contracts
import TestSupport
import Testing

extension Stack {
  /// Publishes a command as the gateway would, through the broker's management API.
  func publish<Body: Payload>(_ command: Body) async throws {
    let envelope = Envelope(command)
    let answer = try await JSONClient(base: managementURL).post(
      "/api/exchanges/\(BrokerNames.virtualHost)/\(BrokerNames.commands)/publish",
      [
        "routing_key": .string(Body.type.rawValue), "payload_encoding": "string",
        "payload": .string(String(decoding: try Wire.encode(envelope), as: UTF8.self)),
        "properties": [
          "delivery_mode": 2, "message_id": .string(envelope.header.id.description),
          "type": .string(Body.type.rawValue),
        ],
      ])
    try #require(answer.json.routed.bool == true, "\(answer.text)")
  }
}
