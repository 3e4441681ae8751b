import Foundation

/// A server whose queue of connections is full, so that the kernel lets new ones wait until it is released.
public struct StalledListener {
  public let server: RawServer

  /// - Parameter script: What to do with a connection once it is accepted.
  public init(script: @escaping @Sendable (RawConnection) -> Void = { $0.waitForClose() }) throws {
    server = try RawServer(backlog: 0, accepts: false, script: script)
    for _ in 1...3 {
      let filler = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
      var address = RawServer.loopback(port: server.port)
      withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
          _ = connect(filler, raw, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      fillers.append(filler)
    }
  }

  private var fillers: [Int32] = []

  /// Accepts from then on; the kernel's next attempt to connect, about a second after the first, succeeds.
  public func release(after seconds: Double) {
    let server = server
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: seconds)
      server.accept()
    }
  }
}
