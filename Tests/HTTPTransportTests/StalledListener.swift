import Foundation
import TestSupport

/// A server whose queue of connections is full, so that the kernel lets new ones wait until it is released.
struct StalledListener {
  let server: RawServer

  init() throws {
    server = try RawServer(backlog: 0, accepts: false) { $0.waitForClose() }
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
  func release(after seconds: Double) {
    let server = server
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: seconds)
      server.accept()
    }
  }
}

/// Lets a script's thread wait a little for others.
func waitBriefly() { usleep(2000) }

/// Waits at most ten seconds until the condition holds.
func wait(until condition: () -> Bool) async throws {
  let deadline = ContinuousClock.now + .seconds(10)
  while !condition() {
    guard ContinuousClock.now < deadline else { throw TimedOut() }
    try await Task.sleep(for: .milliseconds(5))
  }
}

struct TimedOut: Error {}
