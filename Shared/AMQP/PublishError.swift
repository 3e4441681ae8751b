/// Why a publish did not end confirmed.
public struct PublishError: Error, Sendable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    /// No queue is bound to the key; the message is nowhere.
    case unroutable
    /// The time-out passed. The message is withdrawn: it will not be sent (again), whatever happens.
    case timedOut
    /// The broker refused it (a full queue, no majority) again and again until the time-out passed. It is withdrawn and
    /// nowhere, or in some of several queues.
    case refused
    /// The exchange does not exist; the message is nowhere.
    case exchangeMissing
    /// The broker answered this message by closing the channel: not permitted, too large, malformed.
    case rejected
    /// The publisher was shut down.
    case closed
  }

  public var code: Code
  /// True when the message was written to a connection and its fate is unknown: it may have arrived.
  public var mayHaveArrived: Bool
  /// The broker's, when it closed the channel.
  public var replyCode: UInt16?
  /// Safe to log.
  public var message: String

  public init(code: Code, mayHaveArrived: Bool = false, replyCode: UInt16? = nil, message: String) {
    self.code = code
    self.replyCode = replyCode
    self.mayHaveArrived = mayHaveArrived
    self.message = message
  }

  public var description: String { "publish \(code.rawValue): \(message)" }
}
