/// Why a connection to the broker failed or ended.
public struct AMQPError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Sendable {
    case resolve
    case connect
    case timeout
    /// Wrong user or password, or no access to the virtual host.
    case authentication
    /// The other end went away or fell silent.
    case lost
    /// The broker closed the connection; `replyCode` says why.
    case closedByBroker
    /// The host is connected and confirms nothing of what is published.
    case stalled
    /// The host does not deliver what others would.
    case silent
    /// The two sides do not understand each other.
    case protocolViolation
    case other
  }

  public var code: Code
  /// The broker's code, when it gave one.
  public var replyCode: UInt16?
  /// Safe to log.
  public var message: String

  init(_ code: Code, replyCode: UInt16? = nil, _ message: String) {
    self.code = code
    self.replyCode = replyCode
    self.message = message
  }

  public var description: String { "AMQP \(code.rawValue): \(message)" }
}
