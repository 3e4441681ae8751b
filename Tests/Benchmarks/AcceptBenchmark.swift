import ArgumentParser
import Foundation

/// How many confirmed `POST /api/sms` a second the gateway answers.
struct AcceptBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "accept", abstract: "Confirmed POST /api/sms a second, over keep-alive connections.",
    discussion: """
      Reads SLUICE_URL and SLUICE_TOKEN, which deploy/local/up writes to .local/env. Start the stack with a high
      SLUICE_API_RATE and SLUICE_API_USER_RATE, or the gateway's own protection is what is measured.
      """)

  @Option(help: "Connections, each with one request under way.")
  var connections = 64

  @Option(help: "Seconds to measure.")
  var seconds = 10

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    guard let url = environment["SLUICE_URL"].flatMap(URL.init(string:)), let host = url.host(), let port = url.port,
      let token = environment["SLUICE_TOKEN"]
    else { throw ValidationError("SLUICE_URL and SLUICE_TOKEN must be set; see .local/env") }
    let deadline = ContinuousClock.now + .seconds(seconds)
    let results = await withTaskGroup(of: LoadConnection.Result.self) { group in
      for number in 0..<connections {
        group.addTask {
          await LoadConnection(host: host, port: UInt16(port), token: token, number: number).run(until: deadline)
        }
      }
      return await group.reduce(into: [LoadConnection.Result]()) { $0.append($1) }
    }
    let latencies = results.flatMap(\.latencies).sorted()
    let accepted = latencies.count
    let others = results.reduce(0) { $0 + $1.others }
    func percentile(_ share: Double) -> String {
      guard !latencies.isEmpty else { return "-" }
      let latency = latencies[min(latencies.count - 1, Int(Double(latencies.count) * share))]
      return String(format: "%.1f ms", latency * 1000)
    }
    print("| connections | seconds | 202 | 202/s | other answers | p50 | p99 | max |")
    print("|---|---|---|---|---|---|---|---|")
    print(
      "| \(connections) | \(seconds) | \(accepted) | \(accepted / max(1, seconds)) | \(others) "
        + "| \(percentile(0.5)) | \(percentile(0.99)) | \(percentile(1)) |")
  }
}
