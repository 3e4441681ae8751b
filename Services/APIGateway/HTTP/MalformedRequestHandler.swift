import HTTPTypes
import Hummingbird
import NIOCore
import NIOHTTP1

/// Refuses requests of HTTP/1.1 that do not name their host, or more than one (RFC 9112 §3.2), which the parser lets pass,
/// and gives the answer to what is no request the shape of every other error: Hummingbird's own is a bare 400.
///
/// It waits until Hummingbird answers, as then every request before it is answered.
final class MalformedRequestHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  private let security: SecurityHeaders
  private var failure: APIError?
  /// Of the request whose body is being read.
  private var requestID: String?
  private var isRefused = false

  init(security: SecurityHeaders) { self.security = security }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    // What comes behind a request that was refused here is not looked at.
    guard !isRefused else { return }
    switch unwrapInboundIn(data) {
    case .head(let head):
      requestID = head.headers.first(name: EnvelopeMiddleware.requestIDHeader.rawName)
      if head.version != .http1_0, head.headers["Host"].count != 1 {
        isRefused = true
        failure = APIError(.badRequest, "HTTP/1.1 needs the header field Host, once")
        // Hummingbird answers, and ends the connection, at an error of the parser.
        context.fireErrorCaught(HTTPParserError.unknown)
        return
      }
    case .body: break
    case .end: requestID = nil
    }
    context.fireChannelRead(data)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if failure == nil, let error = error as? HTTPParserError { failure = .malformed(error) }
    context.fireErrorCaught(error)
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    // Every answer of ours has an id.
    guard let failure, case .head(let head) = unwrapOutboundIn(data), head.status == .badRequest,
      !head.headers.contains(name: EnvelopeMiddleware.requestIDHeader.rawName)
    else { return context.write(data, promise: promise) }
    let id = RequestID.chosen(from: requestID)
    let body = failure.body(requestID: id)
    var response = Response.json(status: .init(code: failure.code.status), body)
    response.headers[.connection] = "close"
    response.headers[.contentLength] = "\(body.count)"
    response.headers[EnvelopeMiddleware.requestIDHeader] = id
    security.mark(&response)
    RequestMetrics().count(response.status)
    let answer = HTTPResponseHead(
      version: head.version, status: .init(statusCode: failure.code.status),
      headers: HTTPHeaders(response.headers.map { ($0.name.rawName, $0.value) }))
    context.write(wrapOutboundOut(.head(answer)), promise: nil)
    context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: promise)
  }
}

extension APIError {
  /// What a caller is told of a request that is not HTTP. Of a URI and a header field that are too long the parser says
  /// the same.
  fileprivate static func malformed(_ failure: HTTPParserError) -> APIError {
    switch failure {
    case .headerOverflow: APIError(.headTooLarge, "The URI or the header fields are too long, or too many")
    case .invalidMethod: APIError(.badRequest, "The method is not known")
    case .invalidURL: APIError(.badRequest, "The URI is not valid")
    case .invalidVersion: APIError(.badRequest, "This is not HTTP/1.1")
    case .invalidHeaderToken: APIError(.badRequest, "A header field is not valid")
    case .invalidContentLength, .unexpectedContentLength:
      APIError(.badRequest, "Content-Length is not valid, or does not go with the other header fields")
    case .invalidChunkSize: APIError(.badRequest, "The length of a chunk is not valid")
    default: APIError(.badRequest, "The request is not valid HTTP/1.1")
    }
  }
}
