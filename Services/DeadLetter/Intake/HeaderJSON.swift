import AMQP
import Foundation

/// A message's headers as JSON, to be looked at; the kinds of numbers are not told apart.
enum HeaderJSON {
  static func text(_ headers: [String: AMQPValue]) -> String {
    let object = headers.reduce(into: [String: Any]()) { $0[$1.key.storable] = value($1.value) }
    // Made of JSON's own types only, so it can be written; an empty object beats losing the message.
    let data = try? JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
    return data.map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  private static func value(_ value: AMQPValue) -> Any {
    switch value {
    case .string(let text): text.storable
    case .int(let number): number
    case .unsigned(let number): number
    case .double(let number): number.isFinite ? number : "\(number)"
    case .bool(let flag): flag
    case .bytes(let bytes): Data(bytes).base64EncodedString()
    case .timestamp(let seconds): seconds
    case .array(let values): values.map(Self.value)
    case .table(let table): table.reduce(into: [String: Any]()) { $0[$1.key.storable] = Self.value($1.value) }
    case .null: NSNull()
    }
  }
}
