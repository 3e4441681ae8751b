import Logging

/// Sends HTTP requests, many at once, from one thread of its own.
///
/// A request is never repeated: one call gives the peer at most one `POST`, also when a kept connection turns out to be
/// dead. Redirects are not followed and proxies of the environment not used.
public final class HTTPTransport: Sendable {
  private let loop: CurlLoop

  /// Starts the thread; connections are made by requests.
  public init(configuration: HTTPTransportConfiguration = .init(), logger: Logger) {
    loop = CurlLoop(configuration: configuration, logger: logger)
  }

  /// Carries out one request and says how it ended; it ends by itself within `request.timeout`.
  ///
  /// Cancelling the task ends it at once: `.notSent`, or `.unknown` when bytes had gone out.
  /// - Parameter onFirstByte: Called on the transport's thread just before the first byte is written; it must not block.
  ///   Called again, with the later time, when a kept connection was found dead with nothing written.
  public func perform(
    _ request: HTTPTransportRequest, onFirstByte: (@Sendable (ContinuousClock.Instant) -> Void)? = nil
  ) async -> HTTPTransportExchange {
    let loop = loop
    let ticket = loop.issueTicket()
    return await withTaskCancellationHandler {
      await loop.perform(request, ticket: ticket, onFirstByte: onFirstByte)
    } onCancel: {
      Task { await loop.cancel(ticket) }
    }
  }

  /// Ends all requests as if they had been cancelled, and refuses new ones.
  public func close() {
    let loop = loop
    Task { await loop.close() }
  }
}
