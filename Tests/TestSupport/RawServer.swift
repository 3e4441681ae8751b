import Foundation
import NIOConcurrencyHelpers

/// A TCP server on loopback whose every connection runs a script on a thread of its own, for peers that misbehave.
public final class RawServer: Sendable {
  /// One HTTP request as it was read.
  public struct Request: Sendable {
    /// The request line and the header fields, without the empty line.
    public let head: String
    public let body: String
    /// The connection's number, from 1.
    public let connection: Int
  }

  /// The port, picked by the kernel.
  public let port: Int
  private let listener: Int32
  private let state = NIOLockedValueBox(State())

  private struct State {
    var requests: [Request] = []
    var open: [Int: Int32] = [:]
    var accepted = 0
    var bytesRead = 0
    var isAccepting = false
    var isStopped = false
  }

  /// Listens and accepts at once.
  /// - Parameters:
  ///   - backlog: How many connections the kernel completes before they are accepted.
  ///   - accepts: False leaves connections waiting until `accept()`.
  ///   - script: What to do with a connection; it is closed when the script returns.
  public init(backlog: Int32 = 512, accepts: Bool = true, script: @escaping @Sendable (RawConnection) -> Void) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = RawServer.loopback(port: 0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        bind(listener, raw, length) == 0 && listen(listener, backlog) == 0 && getsockname(listener, raw, &length) == 0
      }
    }
    guard isListening else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    self.listener = listener
    port = Int(UInt16(bigEndian: address.sin_port))
    self.script = script
    if accepts { accept() }
  }

  private let script: @Sendable (RawConnection) -> Void

  deinit { stop() }

  /// `http://127.0.0.1:PORT`.
  public var url: String { "http://127.0.0.1:\(port)" }

  /// All requests that were read whole, in order.
  public var requests: [Request] { state.withLockedValue { $0.requests } }

  /// How many connections were accepted.
  public var accepted: Int { state.withLockedValue { $0.accepted } }

  /// How many bytes arrived on all connections.
  public var bytesRead: Int { state.withLockedValue { $0.bytesRead } }

  /// Begins to accept.
  public func accept() {
    let state = state
    let listener = listener
    let script = script
    let mayAccept = state.withLockedValue { state in
      guard !state.isStopped, !state.isAccepting else { return false }
      state.isAccepting = true
      return true
    }
    guard mayAccept else { return }
    Thread.detachNewThread {
      // Closed by its only user: closed by `stop`, its number could be another server's before this thread first runs.
      defer { close(listener) }
      while true {
        let descriptor = Glibc.accept(listener, nil, nil)
        guard descriptor >= 0 else { return }
        let number: Int? = state.withLockedValue { state in
          guard !state.isStopped else { return nil }
          state.accepted += 1
          state.open[state.accepted] = descriptor
          return state.accepted
        }
        guard let number else {
          close(descriptor)
          return
        }
        let connection = RawConnection(number: number, descriptor: descriptor) { request, bytes in
          state.withLockedValue { state in
            state.bytesRead += bytes
            if let request { state.requests.append(request) }
          }
        }
        Thread.detachNewThread {
          script(connection)
          // Under the lock, so that `stop` never touches a descriptor that was given out again.
          state.withLockedValue { state in
            state.open[number] = nil
            close(descriptor)
          }
        }
      }
    }
  }

  /// Stops listening and ends all connections.
  public func stop() {
    state.withLockedValue { state in
      guard !state.isStopped else { return }
      state.isStopped = true
      for descriptor in state.open.values { shutdown(descriptor, Int32(SHUT_RDWR)) }
      shutdown(listener, Int32(SHUT_RDWR))
      if !state.isAccepting { close(listener) }
    }
  }

  /// The IPv4 loopback address.
  public static func loopback(port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }

  /// A port on which nothing listens.
  public static func unusedPort() throws -> Int {
    let server = try RawServer(accepts: false) { _ in }
    server.stop()
    return server.port
  }
}

/// A connection in the hands of a script; its calls block, at most 20 seconds each.
public struct RawConnection: Sendable {
  /// Counts the server's connections from 1.
  public let number: Int
  private let descriptor: Int32
  private let requestsRead = NIOLockedValueBox(0)
  private let note: @Sendable (RawServer.Request?, Int) -> Void

  init(number: Int, descriptor: Int32, note: @escaping @Sendable (RawServer.Request?, Int) -> Void) {
    self.number = number
    self.descriptor = descriptor
    self.note = note
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  /// Whether the request read last was the connection's second.
  public var isSecondRequest: Bool { requestsRead.withLockedValue { $0 } == 2 }

  /// Reads one request with its `Content-Length`; `nil` when the peer closed first.
  @discardableResult
  public func readRequest() -> RawServer.Request? {
    var bytes: [UInt8] = []
    let end = Array("\r\n\r\n".utf8)
    var expected: (head: Int, total: Int)?
    while true {
      if expected == nil, let index = bytes.indices.first(where: { bytes[$0...].starts(with: end) }) {
        let head = String(decoding: bytes[..<index], as: UTF8.self)
        let length = head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length:") }
        let count = length.flatMap { Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces)) } ?? 0
        expected = (index, index + 4 + count)
      }
      if let expected, bytes.count >= expected.total {
        let request = RawServer.Request(
          head: String(decoding: bytes[..<expected.head], as: UTF8.self),
          body: String(decoding: bytes[(expected.head + 4)..<expected.total], as: UTF8.self), connection: number)
        note(request, 0)
        requestsRead.withLockedValue { $0 += 1 }
        return request
      }
      guard let more = read(), !more.isEmpty else { return nil }
      bytes += more
    }
  }

  /// Reads what there is; empty at the end, `nil` on an error or after 20 seconds.
  public func read() -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    guard count >= 0 else { return nil }
    note(nil, count)
    return Array(buffer[..<count])
  }

  /// Writes text as it is.
  public func write(_ text: String) { write(Array(text.utf8)) }

  /// Writes bytes as they are.
  public func write(_ bytes: [UInt8]) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      sent += count
    }
  }

  /// Writes a whole answer.
  public func respond(_ status: String = "200 OK", headers: [String] = [], body: String = "") {
    let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.utf8.count)"] + headers
    write(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
  }

  /// Makes the close a reset.
  public func resetOnClose() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
  }

  /// Reads and drops until the peer closes.
  public func waitForClose() {
    while let bytes = read(), !bytes.isEmpty {}
  }
}
