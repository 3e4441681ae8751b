import NIOCore
import NIOHTTP1
import NIOPosix

/// Serves one connection; waits are timers on its event loop.
final class ConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private struct Request {
    let route: Route
    let query: Substring
    let keepsAlive: Bool
    var admission: ProviderLedger.Admission?
    var body: [UInt8] = []
    var isTooLarge = false
  }

  private static let bodyLimit = 65_536

  private let mock: Mock
  private let connection: Int
  private var request: Request?

  init(mock: Mock, connection: Int) {
    self.mock = mock
    self.connection = connection
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): begin(head, context)
    case .body(let buffer):
      guard var request else { return }
      if request.body.count + buffer.readableBytes > Self.bodyLimit {
        request.isTooLarge = true
      } else {
        request.body.append(contentsOf: buffer.readableBytesView)
      }
      self.request = request
    case .end:
      guard let request else { return }
      self.request = nil
      end(request, context)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
    var request = Request(
      route: Route(method: head.method.rawValue, path: parts.first ?? ""),
      query: parts.count > 1 ? parts[1] : "", keepsAlive: head.isKeepAlive)
    if case .message(let provider, _) = request.route {
      request.admission = mock.arrive(provider: provider, connection: connection)
      if let admission = request.admission, admission.isReset { return reset(context) }
    }
    self.request = request
  }

  private func end(_ request: Request, _ context: ChannelHandlerContext) {
    let keepsAlive = request.keepsAlive
    if request.isTooLarge {
      return write(Answer(status: 413, body: #"{"error":"the body is too large"}"#), keepsAlive: false, context)
    }
    switch request.route {
    case .message(let provider, let dialect):
      guard let admission = request.admission else { return write(.unknownProvider, keepsAlive: keepsAlive, context) }
      let reply = mock.receive(request.body, in: dialect, provider: provider, admission)
      carryOut(reply, provider: provider, n: admission.n, keepsAlive: keepsAlive, context)
    case .health: write(Answer(status: 200, body: #"{"status":"ok"}"#), keepsAlive: keepsAlive, context)
    case .statistics: list(keepsAlive: keepsAlive, context) { [mock] in try mock.statistics().listed() }
    case .arrivals:
      let query = Array(request.query.utf8)
      list(keepsAlive: keepsAlive, context) { [mock] in try mock.arrivals(Form(query)).listed() }
    case .reset: change(request, context) { [mock] object throws(FieldError) in try mock.reset(object) }
    case .behaviour: change(request, context) { [mock] object throws(FieldError) in try mock.setBehaviour(object) }
    case .wrongMethod: write(Answer(status: 405, body: #"{"error":"wrong method"}"#), keepsAlive: keepsAlive, context)
    case .unknown: write(Answer(status: 404, body: #"{"error":"unknown path"}"#), keepsAlive: keepsAlive, context)
    }
  }

  private func carryOut(
    _ reply: Reply, provider: String, n: Int, keepsAlive: Bool, _ context: ChannelHandlerContext
  ) {
    switch reply {
    case .answer(let answer, let milliseconds):
      after(milliseconds, context) { [self] in
        mock.answered(provider: provider, n: n)
        write(answer, keepsAlive: keepsAlive, context)
      }
    case .close(let milliseconds): after(milliseconds, context) { context.close(promise: nil) }
    case .reset: reset(context)
    case .hang: break
    }
  }

  private func after(_ milliseconds: Double, _ context: ChannelHandlerContext, _ act: @escaping () -> Void) {
    guard milliseconds > 0 else { return act() }
    context.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(Int64(milliseconds * 1e6))) {
      if context.channel.isActive { act() }
    }
  }

  /// Closes so that the peer sees a reset, as from a server that never looked at the request.
  private func reset(_ context: ChannelHandlerContext) {
    request = nil
    // On the event loop it takes effect at once; if it fails the connection is gone already.
    if let socket = context.channel as? any SocketOptionProvider {
      _ = socket.setSoLinger(linger(l_onoff: 1, l_linger: 0))
    }
    context.close(promise: nil)
  }

  /// Changes the mock by a JSON body.
  private func change(
    _ request: Request, _ context: ChannelHandlerContext, _ apply: (JSONObject) throws(FieldError) -> Void
  ) {
    do {
      try apply(JSONObject(request.body))
      write(Answer(status: 200, body: "{}"), keepsAlive: request.keepsAlive, context)
    } catch {
      write(.invalid(error), keepsAlive: request.keepsAlive, context)
    }
  }

  /// Writes a listing; it is made on another thread, because a long one would delay the stamps of arrivals.
  private func list(
    keepsAlive: Bool, _ context: ChannelHandlerContext, _ make: @escaping @Sendable () throws -> [UInt8]
  ) {
    let made = NIOThreadPool.singleton.runIfActive(eventLoop: context.eventLoop, make)
    made.assumeIsolated().whenComplete { [self] result in
      switch result {
      case .success(let bytes):
        write(Answer(status: 200, body: String(decoding: bytes, as: UTF8.self)), keepsAlive: keepsAlive, context)
      case .failure(let error as FieldError): write(.invalid(error), keepsAlive: keepsAlive, context)
      case .failure: write(Answer(status: 500, body: #"{"error":"failed"}"#), keepsAlive: keepsAlive, context)
      }
    }
  }

  private func write(_ answer: Answer, keepsAlive: Bool, _ context: ChannelHandlerContext) {
    guard context.channel.isActive else { return }
    var headers: HTTPHeaders = [
      "content-type": answer.contentType, "content-length": String(answer.body.count),
    ]
    if let seconds = answer.retryAfterS { headers.add(name: "retry-after", value: String(seconds)) }
    if !keepsAlive { headers.add(name: "connection", value: "close") }
    let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: answer.status), headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    let body = answer.isCut ? answer.body.prefix(answer.body.count / 2) : answer.body[...]
    let buffer = context.channel.allocator.buffer(bytes: body)
    context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
    if answer.isCut {
      context.flush()
      context.close(promise: nil)
      return
    }
    let written = context.eventLoop.makePromise(of: Void.self)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
    if !keepsAlive { written.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) } }
  }
}

extension Answer {
  fileprivate static let unknownProvider = Answer(status: 404, body: #"{"error":"unknown provider"}"#)

  fileprivate static func invalid(_ error: FieldError) -> Answer {
    let body = try? ["error": "\(error.field) \(error.message)", "field": error.field].listed()
    // `try?`: two strings always encode.
    return Answer(status: 400, body: String(decoding: body ?? [], as: UTF8.self))
  }
}
