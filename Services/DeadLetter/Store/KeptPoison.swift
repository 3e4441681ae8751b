import Contracts
import Foundation
import Postgres

/// A poison message as it is stored, for people to read.
struct KeptPoison: Sendable, Encodable {
  var id: EnvelopeID
  /// `pending`, `retried` (given back) or `abandoned` (dropped).
  var state: String
  var queue: String
  var exchange: String
  var routingKey: String
  var envelopeID: String?
  var type: String?
  /// JSON.
  var headers: String
  /// As text where it is UTF-8, else in Base64.
  var body: String
  var error: String
  var times: Int
  var receivedAt: Timestamp
  var lastReceivedAt: Timestamp
  var closedAt: Timestamp?
  /// When the broker confirmed that it lies in its queue again.
  var returnedAt: Timestamp?

  init(_ row: PostgresRow) throws {
    id = EnvelopeID(try row.decode("poison_id"))
    state = try row.decode("state")
    queue = try row.decode("queue")
    exchange = try row.decode("exchange")
    routingKey = try row.decode("routing_key")
    envelopeID = try row.decode("envelope_id")
    type = try row.decode("type")
    headers = try row.decode("headers", as: PostgresJSON.self).text
    let bytes: [UInt8] = try row.decode("body")
    body = String(validating: bytes, as: UTF8.self) ?? Data(bytes).base64EncodedString()
    error = try row.decode("error")
    times = try row.decode("times")
    receivedAt = Timestamp(try row.decode("received_at", as: Date.self))
    lastReceivedAt = Timestamp(try row.decode("last_received_at", as: Date.self))
    closedAt = try row.decode("closed_at", as: Date?.self).map { Timestamp($0) }
    returnedAt = try row.decode("published_at", as: Date?.self).map { Timestamp($0) }
  }

  enum CodingKeys: String, CodingKey {
    case id, queue, exchange, type, headers, body, error, times
    case state = "status"
    case closedAt = "closed_at"
    case returnedAt = "returned_at"
    case routingKey = "routing_key"
    case envelopeID = "envelope_id"
    case receivedAt = "received_at"
    case lastReceivedAt = "last_received_at"
  }
}
