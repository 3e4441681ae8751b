/// Settings that cannot be used: everything that is wrong, each by the key an operator has to change.
///
/// It holds no values, which may be secret.
public struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
  /// One thing that is wrong.
  public struct Problem: Sendable, Hashable {
    /// A variable (`SLUICE_AMQP_URL`) or a path in a file (`providers[0].rate`).
    public var key: String
    public var message: String

    public init(key: String, message: String) {
      self.key = key
      self.message = message
    }
  }

  public var problems: [Problem]

  public init(_ problems: [Problem]) { self.problems = problems }

  public init(key: String, message: String) { problems = [Problem(key: key, message: message)] }

  /// One line.
  public var description: String { problems.map { "\($0.key): \($0.message)" }.joined(separator: "; ") }
}
