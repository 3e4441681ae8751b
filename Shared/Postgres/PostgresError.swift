/// Why a database operation failed.
///
/// `description` and `message` hold no data and may be logged; what the server said in full is in `debugDescription` alone.
public struct PostgresError: Error, Sendable {
  /// The kinds of failure that callers tell apart.
  public enum Code: String, Sendable {
    /// The connection could not be made or was lost; nothing of the transaction was committed.
    case connection
    /// The connection was lost, or given up, while a COMMIT or a statement outside a transaction was under way: whether
    /// it took effect is unknown.
    case commitUnknown
    /// A time limit ended the statement; it had no effect.
    case timeout
    /// The task was cancelled; the statement had no effect.
    case cancelled
    /// No connection became free in time.
    case poolExhausted
    /// The server refused the statement, see `sqlState`.
    case server
    /// A bind parameter or the SQL text cannot be sent, for example a text that holds NUL.
    case parameter
    /// A value of a result is not what the caller asked for.
    case decoding
    /// The configuration cannot be used.
    case configuration
  }

  /// The kind of failure.
  public let code: Code
  /// PostgreSQL's five-character code, when the server answered.
  public let sqlState: String?
  /// The constraint that was violated.
  public let constraint: String?
  /// What happened, without any data.
  public let message: String
  /// What the server said: message, detail, hint, position and the SQL text. May hold data of users.
  let details: String?
  /// The connection was found closed before anything was sent.
  let foundClosed: Bool

  init(
    _ code: Code, _ message: String, sqlState: String? = nil, constraint: String? = nil, details: String? = nil,
    foundClosed: Bool = false
  ) {
    self.code = code
    self.message = message
    self.sqlState = sqlState
    self.constraint = constraint
    self.details = details
    self.foundClosed = foundClosed
  }

  /// A unique constraint was violated (23505).
  public var isUniqueViolation: Bool { sqlState == "23505" }

  /// The server ended the transaction to resolve a deadlock (40P01).
  public var isDeadlock: Bool { sqlState == "40P01" }

  /// The transaction may be run again as a whole: it was certainly not committed, and can succeed the next time.
  public var isRetryable: Bool {
    switch code {
    case .connection: true
    case .server: sqlState == "40001" || isDeadlock
    case .commitUnknown, .timeout, .cancelled, .poolExhausted, .parameter, .decoding, .configuration: false
    }
  }

  /// The server is away or the connection was lost, whether or not the outcome is known.
  public var isConnection: Bool { code == .connection || code == .commitUnknown }
}

extension PostgresError: CustomStringConvertible, CustomDebugStringConvertible {
  public var description: String { "\(code.rawValue): \(message)" }

  public var debugDescription: String {
    guard let details else { return description }
    return "\(description) [\(details)]"
  }
}
