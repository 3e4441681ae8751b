/// A bind parameter: its SQL type and its value.
struct PostgresParameter: Sendable {
  var type: PostgresType
  var content: PostgresContent
}

/// A value on its way to the server.
public enum PostgresContent: Sendable, Equatable {
  case null
  /// PostgreSQL's text form of the value.
  case text(String)
  /// PostgreSQL's binary form of the value.
  case binary([UInt8])
  /// The value has no form that PostgreSQL takes; sending it fails with this reason.
  case invalid(String)
}
