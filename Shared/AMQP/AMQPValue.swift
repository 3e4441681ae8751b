/// A value in a message's headers.
public enum AMQPValue: Sendable, Hashable {
  case string(String)
  /// Any integer of the wire that fits; written as a signed 64-bit number.
  case int(Int64)
  /// An unsigned number beyond `Int64.max`.
  case unsigned(UInt64)
  case double(Double)
  case bool(Bool)
  case bytes([UInt8])
  /// Seconds since 1970.
  case timestamp(UInt64)
  case array([AMQPValue])
  case table([String: AMQPValue])
  case null

  public var stringValue: String? {
    if case .string(let value) = self { value } else { nil }
  }

  public var intValue: Int64? {
    if case .int(let value) = self { value } else { nil }
  }
}

extension AMQPValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int64) { self = .int(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
}
