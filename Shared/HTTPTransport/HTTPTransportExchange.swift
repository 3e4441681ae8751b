/// What became of one request.
public struct HTTPTransportExchange: Sendable {
  /// How it ended.
  public enum Result: Sendable {
    /// The peer answered. Header names are in lower case. Not complete: the body was cut off, ran into the time limit or
    /// was longer than the response limit.
    case response(status: Int, headers: [(String, String)], body: [UInt8], isComplete: Bool)
    /// No byte of the request reached the peer: none was written, or a proxy did not pass it on.
    case notSent(HTTPTransportFailure)
    /// The claim was too old when the connection was ready; no byte of the request was written.
    case claimExpired
    /// At least a byte was written and no answer's head came back: the peer may have acted on the request.
    case unknown(HTTPTransportFailure)
  }

  /// How it ended.
  public let result: Result
  /// When the writing of the request began; `nil` when it never did.
  public let firstByteAt: ContinuousClock.Instant?
  /// When the answer was whole, or the request given up.
  public let finishedAt: ContinuousClock.Instant
  /// Whether any byte of the request was handed to the network.
  public let requestBytesWritten: Bool
  /// How long it took until the connection was ready, of a kept one next to nothing; `nil` when it never was.
  public let connectedAfter: Duration?
}

/// Why a request got no answer.
public struct HTTPTransportFailure: Error, Sendable, Equatable {
  /// What kind of thing went wrong.
  public enum Kind: String, Sendable {
    case timeout, connection, resolve, tls, cut, cancelled, other
    /// This process has no descriptors left: it says nothing about the peer.
    case descriptors
  }

  /// What kind of thing went wrong.
  public let kind: Kind
  /// A text without anything of the request in it.
  public let message: String

  public init(kind: Kind, message: String) {
    self.kind = kind
    self.message = message
  }
}
