import Foundation
import TestSupport

/// One kind of request that is measured.
struct RequestKind {
  var name: String
  var path: (inout any RandomNumberGenerator) -> String
}

/// How long requests of one kind took, in seconds.
struct RequestLatencies {
  var name: String
  var p50: Double
  var p99: Double

  /// Asks over one connection, one request after another; the first hundred are not counted.
  /// - Parameter cookie: Of a login at the panel, instead of the token.
  /// - Throws: `StackError` for an answer other than 200.
  static func measure(
    _ kind: RequestKind, _ requests: Int, on stack: Stack, cookie: String? = nil
  ) async throws -> RequestLatencies {
    var random: any RandomNumberGenerator = SeededGenerator(seed: 1)
    let paths = (0..<requests + 100).map { _ in kind.path(&random) }
    guard let url = URL(string: stack.url), let host = url.host(), let port = url.port else {
      throw StackError("the stack has no address")
    }
    let name = kind.name
    let field = cookie.map { "Cookie: \($0)" } ?? "Authorization: Bearer \(stack.token)"
    let seconds = try await withCheckedThrowingContinuation { continuation in
      // A thread of its own: it blocks.
      Thread.detachNewThread {
        continuation.resume(with: Result { try ask(paths, name, host, UInt16(port), field) })
      }
    }
    let sorted = seconds.dropFirst(100).sorted()
    return RequestLatencies(name: name, p50: sorted[sorted.count / 2], p99: sorted[sorted.count * 99 / 100])
  }

  private static func ask(
    _ paths: [String], _ name: String, _ host: String, _ port: UInt16, _ field: String
  ) throws -> [Double] {
    guard let connection = KeepAliveConnection(host: host, port: port) else { throw StackError("nobody answers") }
    return try paths.map { path in
      let request = Array("GET \(path) HTTP/1.1\r\nHost: \(host)\r\n\(field)\r\n\r\n".utf8)
      let start = ContinuousClock.now
      let status = connection.exchange(request)
      guard status == 200 else { throw StackError("\(name): \(status.map(String.init) ?? "no answer")") }
      return start.duration(to: .now) / .seconds(1)
    }
  }
}
