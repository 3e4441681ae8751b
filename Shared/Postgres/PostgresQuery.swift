/// One SQL statement with its bind parameters, written as a string interpolation.
///
/// Every interpolated value becomes a parameter (`$1`, `$2` …) with the SQL type of its Swift type, and is never part of
/// the SQL text. Another query may be interpolated as a fragment; its parameters are numbered on.
///
/// ```swift
/// let filter: PostgresQuery = user.map { "AND user_id = \($0)" } ?? ""
/// try await pool.query("SELECT * FROM messages WHERE state = \(state) \(filter)")
/// ```
public struct PostgresQuery: Sendable, ExpressibleByStringInterpolation {
  /// The text before, between and after the parameters: always one more than parameters.
  private(set) var pieces: [String]
  private(set) var parameters: [PostgresParameter]

  public init(stringLiteral text: String) {
    pieces = [text]
    parameters = []
  }

  /// A statement whose text was put together elsewhere. Never pass text that comes from a user.
  public init(unsafeSQL text: String) { self.init(stringLiteral: text) }

  public init(stringInterpolation interpolation: StringInterpolation) { self = interpolation.query }

  /// The text as it is sent, with `$1`, `$2` … in place of the values.
  public var sql: String {
    var text = pieces[0]
    for index in parameters.indices {
      text += "$"
      text += String(index + 1)
      text += pieces[index + 1]
    }
    return text
  }

  fileprivate mutating func append(_ text: String) { pieces[pieces.count - 1] += text }

  fileprivate mutating func append(_ parameter: PostgresParameter) {
    parameters.append(parameter)
    pieces.append("")
  }

  fileprivate mutating func append(_ fragment: PostgresQuery) {
    append(fragment.pieces[0])
    for (parameter, piece) in zip(fragment.parameters, fragment.pieces.dropFirst()) {
      append(parameter)
      append(piece)
    }
  }

  /// Collects text and parameters.
  public struct StringInterpolation: StringInterpolationProtocol, Sendable {
    fileprivate var query = PostgresQuery(stringLiteral: "")

    public init(literalCapacity: Int, interpolationCount: Int) {
      query.pieces.reserveCapacity(interpolationCount + 1)
      query.parameters.reserveCapacity(interpolationCount)
    }

    public mutating func appendLiteral(_ literal: String) { query.append(literal) }

    /// Binds a value.
    public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value) {
      query.append(PostgresParameter(type: Value.postgresType, content: value.postgresContent))
    }

    /// Binds a value or NULL.
    public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
      query.append(PostgresParameter(type: Value.postgresType, content: value.postgresContent))
    }

    /// Inserts a fragment with its parameters.
    public mutating func appendInterpolation(_ fragment: PostgresQuery) { query.append(fragment) }

    /// Inserts text into the SQL as it is, for identifiers. Never pass text that comes from a user.
    public mutating func appendInterpolation(unsafeRaw text: String) { query.append(text) }
  }
}
