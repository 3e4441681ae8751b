import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP1
import NIOPosix

/// Listens and serves all providers on one event loop, so that arrivals have one order.
struct MockServer: Sendable {
  /// The port it listens on.
  let port: Int
  private let channel: any Channel
  private let group: MultiThreadedEventLoopGroup

  /// Binds and begins to serve; blocks until it listens.
  /// - Parameter port: 0 lets the kernel pick.
  static func start(_ mock: Mock, host: String, port: Int) throws -> MockServer {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let connections = NIOLockedValueBox(0)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let number = connections.withLockedValue { count in
            count += 1
            return count
          }
          try channel.pipeline.syncOperations.configureHTTPServerPipeline()
          try channel.pipeline.syncOperations.addHandler(ConnectionHandler(mock: mock, connection: number))
        }
      }
    do {
      let channel = try bootstrap.bind(host: host, port: port).wait()
      return MockServer(port: channel.localAddress?.port ?? port, channel: channel, group: group)
    } catch {
      // `try?`: the bind's error is the one to report.
      try? group.syncShutdownGracefully()
      throw error
    }
  }

  /// Stops listening and closes all connections; blocks until that is done.
  func stop() throws {
    try channel.close().wait()
    try group.syncShutdownGracefully()
  }
}
