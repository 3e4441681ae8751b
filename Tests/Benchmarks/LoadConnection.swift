import Foundation
import Glibc

/// One keep-alive connection that posts one SMS after another, on a thread of its own.
struct LoadConnection: Sendable {
  struct Result: Sendable {
    /// Seconds, of the requests that were answered 202.
    var latencies: [Double] = []
    /// Requests that were answered otherwise, or not at all.
    var others = 0
  }

  var host: String
  var port: UInt16
  var token: String
  var number: Int

  func run(until deadline: ContinuousClock.Instant) async -> Result {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { continuation.resume(returning: work(until: deadline)) }
    }
  }

  private func work(until deadline: ContinuousClock.Instant) -> Result {
    var result = Result()
    let descriptor = connect()
    guard descriptor >= 0 else { return Result(others: 1) }
    defer { close(descriptor) }
    var count = 0
    while ContinuousClock.now < deadline {
      let request = request(count)
      count += 1
      let start = ContinuousClock.now
      guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count,
        let status = readStatus(descriptor)
      else {
        result.others += 1
        return result
      }
      if status == 202 {
        result.latencies.append(start.duration(to: .now) / .seconds(1))
      } else {
        result.others += 1
      }
    }
    return result
  }

  private func connect() -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    inet_pton(AF_INET, host, &address.sin_addr)
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    return code == 0 ? descriptor : -1
  }

  private func request(_ count: Int) -> [UInt8] {
    let recipient = 50_000_000 + (number * 100_003 + count) % 19_000_000
    let body = #"{"recipient":"+852\#(recipient)","content":"Benchmark \#(number)/\#(count)"}"#
    return Array(
      """
      POST /api/sms HTTP/1.1\r
      Host: \(host)\r
      Authorization: Bearer \(token)\r
      Content-Type: application/json\r
      Content-Length: \(body.utf8.count)\r
      \r
      \(body)
      """.utf8)
  }

  /// Reads one whole answer with a Content-Length.
  private func readStatus(_ descriptor: Int32) -> Int? {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 8192)
    while true {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      guard count > 0 else { return nil }
      bytes += chunk.prefix(count)
      guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { continue }
      let head = String(decoding: bytes[..<end.lowerBound], as: UTF8.self)
      let lines = head.split(separator: "\r\n")
      let length = lines.first { $0.lowercased().hasPrefix("content-length:") }
        .flatMap { Int($0.dropFirst("content-length:".count).trimmingCharacters(in: .whitespaces)) }
      if let length, bytes.count >= end.upperBound + length {
        return lines.first.flatMap { Int($0.split(separator: " ")[1]) }
      }
    }
  }
}
