import HTTPTransport

/// What one exchange means for its claim. Pure.
enum SendEnding: Sendable, Hashable {
  /// Something is known about the provider or the SMS.
  case verdict(ReplyClassifier.Verdict)
  /// Nothing was sent, and it was nobody's fault but this sender's: the SMS goes back, the provider is not blamed.
  case unbegun(Cause)

  enum Cause: Sendable, Hashable {
    /// The request was taken up too late.
    case late
    case noDescriptors
  }

  /// The code of a connection that was ready only when the claim was too old.
  static let connectSlow = "connect_slow"

  /// - Parameter verdict: What the reply table makes of the exchange; `nil` when its claim went stale.
  init(_ exchange: HTTPTransportExchange, claimLimit: Duration, verdict: ReplyClassifier.Verdict?) {
    if case .notSent(let failure) = exchange.result, failure.kind == .descriptors {
      self = .unbegun(.noDescriptors)
    } else if let verdict {
      self = .verdict(verdict)
    } else if let took = exchange.connectedAfter, took > claimLimit / 2 {
      self = .verdict(ReplyClassifier.Verdict(outcome: .retryable, errorCode: Self.connectSlow))
    } else {
      self = .unbegun(.late)
    }
  }
}
