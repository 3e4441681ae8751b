import HTTPTypes
import Hummingbird
import NIOCore
import ServiceKit

/// Gives every request its id, turns whatever goes wrong into the error envelope, and gives every answer the header fields
/// that are not its own.
struct EnvelopeMiddleware: RouterMiddleware {
  private let crossOrigin: CrossOrigin
  private let security: SecurityHeaders
  private let reader: BodyReader
  private let paths: KnownPaths
  private let closing = ClosingConnections()

  /// How long a caller may take to read an answer whose length is known, or a piece of one whose length is not.
  private let answerLimit: TimeAmount
  private let metrics = RequestMetrics()

  init(
    crossOrigin: CrossOrigin, security: SecurityHeaders, reader: BodyReader, paths: KnownPaths, answerLimit: TimeAmount
  ) {
    self.crossOrigin = crossOrigin
    self.security = security
    self.reader = reader
    self.paths = paths
    self.answerLimit = answerLimit
  }

  static let requestIDHeader = HTTPField.Name.known("X-Request-ID")
  static let traceparentHeader = HTTPField.Name.known("traceparent")

  func handle(
    _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
  ) async throws -> Response {
    var context = context
    context.requestID = RequestID.chosen(from: request.headers[Self.requestIDHeader])
    context.traceparent = TraceParent.valid(request.headers[Self.traceparentHeader])
    var response: Response
    do {
      let context = context
      response =
        if closing.contains(context.channel) {
          // A request behind the last one: its caller may not hear of it, so it is not carried out.
          throw APIError.unavailable("The connection is being closed, and nothing was done")
        } else if let answer = crossOrigin.preflight(request) { answer } else {
          try await RequestScope.with(context.requestID) { try await next(request, context) }
        }
    } catch let error as BodyReadError {
      throw error.underlying
    } catch {
      response = answer(apiError(error, request, context), request, context)
    }
    if await !reader.drain(request, context) { close(&response, request, context) }
    // The next request goes to another replica; the server closes idle connections soon (RFC 9112 §9.6).
    if ProcessState.isShuttingDown, response.headers[.connection] == nil { response.headers[.connection] = "close" }
    response.headers[Self.requestIDHeader] = context.requestID
    response.headers.append(contentsOf: context.note.fields)
    crossOrigin.mark(&response, to: request)
    security.mark(&response)
    if request.method != .head { limitTime(&response, context) }
    metrics.count(response.status)
    return response
  }

  private func apiError(_ error: any Error, _ request: Request, _ context: GatewayContext) -> APIError {
    switch error {
    case let error as APIError: return error
    case let error as HTTPError where error.status == .notFound:
      guard let allow = paths.allow(request.uri.path) else { return APIError(.notFound, "No such route") }
      return .methodNotAllowed(allowing: allow)
    default: return .failure(error, context.logger)
    }
  }

  private func answer(_ error: APIError, _ request: Request, _ context: GatewayContext) -> Response {
    var response = Response.json(status: .init(code: error.code.status), error.body(requestID: context.requestID))
    if let seconds = error.retryAfter { response.headers[.retryAfter] = String(seconds) }
    if let allow = error.allow { response.headers[.allow] = allow }
    // RFC 6750 §3: what is wrong is said only of a token that was given.
    if error.code == .unauthorized {
      response.headers[.wwwAuthenticate] = error.isInvalidToken ? #"Bearer error="invalid_token""# : "Bearer"
    }
    if error.closesConnection { close(&response, request, context) }
    return response
  }

  /// Closes the connection under a caller who does not read their answer. Streams of events see to that themselves.
  private func limitTime(_ response: inout Response, _ context: GatewayContext) {
    let body = response.body
    guard response.headers[.contentType] != "text/event-stream", body.contentLength != 0 else { return }
    guard body.contentLength != nil else {
      // Nobody knows how long it gets, so each piece has its time.
      response.body = ResponseBody { [answerLimit] writer in
        try await body.write(TimedWriter(writer, context, limit: answerLimit))
      }
      return
    }
    let deadline = context.closeConnection(in: answerLimit)
    response.body = ResponseBody(contentLength: body.contentLength) { writer in
      defer { deadline.cancel() }
      try await body.write(writer)
    }
  }

  /// How long the rest of a request is thrown away behind its answer: a caller who is still sending reads the answer then
  /// instead of a broken connection.
  private static let patienceBehindAnswer = TimeAmount.seconds(8)

  /// Nothing can follow a request of which the rest is unwanted.
  private func close(_ response: inout Response, _ request: Request, _ context: GatewayContext) {
    guard response.headers[.connection] == nil else { return }
    response.headers[.connection] = "close"
    closing.add(context.channel)
    // Who waits for a word before sending the body sends none.
    guard !context.note.isBodyTaken, request.headers[.expect] == nil else { return context.closeConnectionSoon() }
    let body = response.body
    response.body = ResponseBody(contentLength: body.contentLength) { writer in
      try await body.write(writer)
      // A body is read once: another reader of it ends the process.
      if !context.note.isBodyTaken {
        context.note.takeBody()
        // When the connection fails there is nobody left to answer.
        try? await context.withConnectionDeadline(Self.patienceBehindAnswer) { () async throws -> Void in
          for try await _ in request.body {}
        }
      }
      context.closeConnectionSoon()
    }
  }
}
