import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// A connection of HTTP/1, with handlers that see requests before what depends on the version of HTTP is lost.
struct GatewayChannel: ServerChildChannel {
  typealias Value = HTTP1Channel.Value

  private let base: HTTP1Channel
  private let security: SecurityHeaders

  init(
    responder: @escaping HTTPChannelHandler.Responder, configuration: HTTP1Channel.Configuration,
    security: SecurityHeaders
  ) {
    self.security = security
    base = HTTP1Channel(responder: responder, configuration: configuration)
  }

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    base.setup(channel: channel, logger: logger).flatMapThrowing { value in
      let pipeline = channel.pipeline.syncOperations
      let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
      try pipeline.addHandlers(
        [ContinueHandler(), OldVersionHandler(), MalformedRequestHandler(security: security)], position: .after(decoder)
      )
      return value
    }
  }

  func handle(value: Value, logger: Logger) async { await base.handle(value: value, logger: logger) }
}
