/// A Swift value that can be a bind parameter.
public protocol PostgresEncodable: Sendable {
  /// The SQL type that the server is told.
  static var postgresType: PostgresType { get }
  /// The value as it is sent.
  var postgresContent: PostgresContent { get }
}

/// A Swift value that can be read from a column.
public protocol PostgresDecodable: Sendable {
  /// Reads a column's text form; `nil` is NULL.
  /// - Throws: `PostgresDecodingFailure` with what was expected instead.
  init(postgresText text: ArraySlice<UInt8>?) throws
}

/// Why a value could not be read; never holds the value.
public struct PostgresDecodingFailure: Error, Sendable {
  let reason: String

  /// - Parameter reason: Continues "column x …", for example "is NULL".
  public init(_ reason: String) { self.reason = reason }

  static func expected(_ what: String) -> Self { Self("is not \(what)") }
}

/// A type whose arrays are arrays in PostgreSQL, or a value of its own (`UInt8`, whose arrays are `bytea`).
public protocol PostgresArrayElement: Sendable {
  /// The SQL type of an array of these.
  static var postgresArrayType: PostgresType { get }
  /// The array as it is sent.
  static func postgresContent(of array: [Self]) -> PostgresContent
  /// Reads the text form of a whole array.
  static func postgresArray(from text: ArraySlice<UInt8>) throws -> [Self]
}

/// A single value with a text form, which may be bound and read, also as optional and in arrays.
///
/// Conform a type of your own by these three members and it works in all these places.
public protocol PostgresScalar: PostgresEncodable, PostgresDecodable, PostgresArrayElement {
  /// PostgreSQL's text form, or why there is none.
  var postgresText: Result<String, PostgresDecodingFailure> { get }
  /// Reads PostgreSQL's text form.
  init(postgresScalar text: ArraySlice<UInt8>) throws
}

extension PostgresScalar {
  public var postgresContent: PostgresContent {
    switch postgresText {
    case .success(let text): .text(text)
    case .failure(let failure): .invalid(failure.reason)
    }
  }

  public init(postgresText text: ArraySlice<UInt8>?) throws {
    guard let text else { throw PostgresDecodingFailure("is NULL") }
    try self.init(postgresScalar: text)
  }

  public static var postgresArrayType: PostgresType { postgresType.array }

  public static func postgresContent(of array: [Self]) -> PostgresContent {
    ArrayLiteral.content(of: array) { $0.postgresText }
  }

  public static func postgresArray(from text: ArraySlice<UInt8>) throws -> [Self] {
    try ArrayLiteral.elements(of: text).map { try Self(postgresText: $0) }
  }
}
