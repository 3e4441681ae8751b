extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
  public static var postgresType: PostgresType { Wrapped.postgresType }
  public var postgresContent: PostgresContent { self?.postgresContent ?? .null }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
  public init(postgresText text: ArraySlice<UInt8>?) throws {
    self = try text.map { try Wrapped(postgresText: $0) }
  }
}

extension Optional: PostgresArrayElement where Wrapped: PostgresScalar {
  public static var postgresArrayType: PostgresType { Wrapped.postgresArrayType }

  public static func postgresContent(of array: [Self]) -> PostgresContent {
    ArrayLiteral.content(of: array) { $0?.postgresText }
  }

  public static func postgresArray(from text: ArraySlice<UInt8>) throws -> [Self] {
    try ArrayLiteral.elements(of: text).map { try Self(postgresText: $0) }
  }
}

extension Array: PostgresEncodable where Element: PostgresArrayElement {
  public static var postgresType: PostgresType { Element.postgresArrayType }
  public var postgresContent: PostgresContent { Element.postgresContent(of: self) }
}

extension Array: PostgresDecodable where Element: PostgresArrayElement {
  public init(postgresText text: ArraySlice<UInt8>?) throws {
    guard let text else { throw PostgresDecodingFailure("is NULL") }
    self = try Element.postgresArray(from: text)
  }
}
