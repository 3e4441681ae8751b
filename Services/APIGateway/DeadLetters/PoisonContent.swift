import Foundation
import Postgres

/// A poison message as it lay in its queue.
struct PoisonContent: Sendable {
  var body: [UInt8]
  var headers: JSONValue

  init(_ row: PostgresRow) throws {
    body = try row.decode("body")
    headers = try JSONReader.read(Array(try row.decode("headers", as: String.self).utf8))
  }

  func write(_ json: inout JSONWriter) {
    let text = String(validating: body, as: UTF8.self)
    json.member("body", text ?? Data(body).base64EncodedString())
    json.member("body_encoding", text == nil ? "base64" : "utf-8")
    json.member("headers", headers)
  }
}
