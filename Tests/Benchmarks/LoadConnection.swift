import Foundation

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
    guard let connection = KeepAliveConnection(host: host, port: port) else { return Result(others: 1) }
    var count = 0
    while ContinuousClock.now < deadline {
      let request = request(count)
      count += 1
      let start = ContinuousClock.now
      guard let status = connection.exchange(request) else {
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
}
