import FoundationEssentials

extension String: PostgresScalar {
  public static var postgresType: PostgresType { .text }
  public var postgresText: Result<String, PostgresDecodingFailure> { .success(self) }
  public init(postgresScalar text: ArraySlice<UInt8>) { self.init(decoding: text, as: UTF8.self) }
}

extension Bool: PostgresScalar {
  public static var postgresType: PostgresType { .bool }
  public var postgresText: Result<String, PostgresDecodingFailure> { .success(self ? "t" : "f") }
  public init(postgresScalar text: ArraySlice<UInt8>) throws {
    switch (text.count, text.first) {
    case (1, UInt8(ascii: "t")): self = true
    case (1, UInt8(ascii: "f")): self = false
    case _: throw PostgresDecodingFailure.expected("a boolean")
    }
  }
}

extension Double: PostgresScalar {
  public static var postgresType: PostgresType { .float8 }
  public var postgresText: Result<String, PostgresDecodingFailure> { .success("\(self)") }
  public init(postgresScalar text: ArraySlice<UInt8>) throws {
    guard let value = Double(String(decoding: text, as: UTF8.self)) else {
      throw PostgresDecodingFailure.expected("a number")
    }
    self = value
  }
}

extension UUID: PostgresScalar {
  public static var postgresType: PostgresType { .uuid }
  public var postgresText: Result<String, PostgresDecodingFailure> { .success(uuidString) }
  public init(postgresScalar text: ArraySlice<UInt8>) throws {
    var digits = text.lazy.filter { $0 != UInt8(ascii: "-") }.makeIterator()
    var value: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    try withUnsafeMutableBytes(of: &value) { bytes in
      for index in bytes.indices {
        guard let high = digits.next().flatMap(hexDigit), let low = digits.next().flatMap(hexDigit) else {
          throw PostgresDecodingFailure.expected("a UUID")
        }
        bytes[index] = high << 4 | low
      }
    }
    guard digits.next() == nil else { throw PostgresDecodingFailure.expected("a UUID") }
    self.init(uuid: value)
  }
}

/// JSON text, bound as `jsonb`; the server checks it.
public struct PostgresJSON: PostgresScalar, Hashable {
  /// The JSON text.
  public var text: String

  public init(_ text: String) { self.text = text }

  public static var postgresType: PostgresType { .jsonb }
  public var postgresText: Result<String, PostgresDecodingFailure> { .success(text) }
  public init(postgresScalar text: ArraySlice<UInt8>) { self.text = String(decoding: text, as: UTF8.self) }
}
