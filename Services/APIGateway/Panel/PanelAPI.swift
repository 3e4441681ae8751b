import HTTPTypes
import Hummingbird

/// The API as the panel uses it: within the process, the same routes that programs call, with the rights, the limits and
/// the audit of whoever is logged in. So a page can do nothing that a program could not.
struct PanelAPI: Sendable {
  private let responder: RouterResponder<GatewayContext>

  init(_ routes: [Route], trail: AuditTrail) {
    let router = Router(context: GatewayContext.self)
    router.add(routes, trail: trail)
    responder = router.buildResponder()
  }

  /// One request to the API.
  struct Call: Sendable {
    var method = HTTPRequest.Method.get
    var path: String
    var query: [(name: String, value: String)] = []
    var body: JSONValue?
    var idempotencyKey: String?
    /// Part of something that was counted as one request already.
    var isCounted = false
  }

  /// - Parameter token: Of the session; `nil` for routes that need none.
  /// - Returns: The whole answer.
  /// - Throws: `APIError` when the API refuses.
  func answer(
    to call: Call, token: String?, of request: Request, _ context: GatewayContext
  ) async throws -> JSONValue {
    var fields = HTTPFields()
    // Who asks from where is told by what came with the person's own request.
    for name in Self.carried { fields[values: name] = request.headers[values: name] }
    if let token { fields[.authorization] = "Bearer \(token)" }
    if let key = call.idempotencyKey { fields[IdempotencyKey.header] = key }
    var body = ByteBuffer()
    if let value = call.body {
      fields[.contentType] = "application/json"
      body = ByteBuffer(string: JSONWriter.text(value))
    }
    let head = HTTPRequest(
      method: call.method, scheme: nil, authority: nil, path: call.path + PanelURL.query(call.query),
      headerFields: fields)
    var inner = GatewayContext(
      source: ApplicationRequestContextSource(channel: context.channel, logger: context.logger))
    inner.requestID = context.requestID
    inner.traceparent = context.traceparent
    if call.isCounted { inner.note.markCounted() }
    let response: Response
    do {
      response = try await responder.respond(
        to: Request(head: head, body: RequestBody(buffer: body)), context: inner)
    } catch let error as CancellationError {
      throw error
    } catch {
      throw APIError.failure(error, context.logger)
    }
    let collected = CollectingWriter()
    try await response.body.write(collected)
    return try JSONReader.read(collected.bytes)
  }

  private static let carried: [HTTPField.Name] = [
    .userAgent, .known("X-Forwarded-For"), .known("X-Forwarded-Proto"),
  ]
}

/// Keeps what is written. Used by one task at a time.
private final class CollectingWriter: ResponseBodyWriter {
  private(set) var bytes: [UInt8] = []

  func write(_ buffer: ByteBuffer) async throws { bytes.append(contentsOf: buffer.readableBytesView) }

  func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
