import NIOCore
import NIOHTTP1

/// Tells callers who wait for it that their body is wanted (RFC 9110 §10.1.1).
///
/// Whoever reads a body says so by `ContinueHandler.BodyWanted`, as only then is it known that the request is not refused by
/// its head alone.
final class ContinueHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  /// The body of a request with `Expect` is wanted, and every request before it is answered.
  struct BodyWanted: Sendable {}

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    // A caller of HTTP/1.0 cannot understand the word, and does not wait for it.
    if case .head(var head) = unwrapInboundIn(data), head.version == .http1_0 {
      head.headers.remove(name: "Expect")
      context.fireChannelRead(wrapInboundOut(.head(head)))
    } else {
      context.fireChannelRead(data)
    }
  }

  func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
    guard event is BodyWanted else { return context.triggerUserOutboundEvent(event, promise: promise) }
    let head = HTTPResponseHead(version: .http1_1, status: .continue)
    context.writeAndFlush(wrapOutboundOut(.head(head)), promise: promise)
  }
}
