import ArgumentParser
import Foundation
import Postgres
import TestSupport

/// How many SMS a second go all the way when no provider limits them.
struct ThroughputBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "throughput", abstract: "SMS a second from the gateway to `sent` in the read tables, unlimited.",
    discussion: "Starts a stack of its own from SLUICE_BUILD_DIR (use .build/release), all on this machine.")

  @Option(help: "Seconds to measure.")
  var seconds = 60

  @Option(help: "Recipients of each request.")
  var recipients = 50

  @Option(help: "SMS that may wait in the scheduler before the next request is sent.")
  var ahead = 6000

  func run() async throws {
    let options = StackOptions(
      providers: StackOptions.jsonProviders(["p"], rate: 100_000, globalRate: 1_000_000),
      environment: ["SLUICE_API_RATE": "100000", "SLUICE_API_USER_RATE": "100000"])
    try await withStack(options) { stack in
      let posting = Task { try await post(stack) }
      try await eventually(within: .seconds(60), "it flows") { try await self.sent(stack) > 3000 }
      let before = try use(stack)
      let start = ContinuousClock.now
      let from = try await sent(stack)
      var rates: [Int] = []
      var last = from
      for _ in 0..<max(1, seconds / 10) {
        try await Task.sleep(for: .seconds(10))
        let now = try await sent(stack)
        rates.append((now - last) / 10)
        last = now
      }
      let took = start.duration(to: .now) / .seconds(1)
      let after = try use(stack)
      posting.cancel()
      print("| SMS/s | lowest 10 s | " + after.map { "\($0.name) CPU" }.joined(separator: " | ") + " |")
      print("|" + String(repeating: "---|", count: 2 + after.count))
      let shares = zip(before, after).map { String(format: "%.0f %%", ($1.cpu - $0.cpu) / took * 100) }
      print(
        "| \(Int(Double(last - from) / took)) | \(rates.min() ?? 0) | " + shares.joined(separator: " | ") + " |")
    }
  }

  private func sent(_ stack: Stack) async throws -> Int {
    // The counts of the messages: recipients are many more rows.
    try await stack.query("SELECT coalesce(sum(sent), 0)::bigint AS sent FROM projection.messages").first?
      .decode("sent") ?? 0
  }

  private func post(_ stack: Stack) async throws {
    var number = 0
    while !Task.isCancelled {
      let waiting: Int? = try await stack.query(
        "SELECT coalesce(sum(total - cursor), 0)::bigint AS waiting FROM scheduler.messages WHERE cursor < total"
      ).first?.decode("waiting")
      guard (waiting ?? 0) < ahead else {
        try await Task.sleep(for: .milliseconds(50))
        continue
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<8 {
          let numbers = (number..<number + recipients).map { JSONValue.string("+852\(50_000_000 + $0 % 19_000_000)") }
          number += recipients
          group.addTask {
            _ = try await stack.gateway.post(
              "/api/sms/send-bulk", ["recipients": .array(numbers), "content": "Benchmark", "class": "normal"])
          }
        }
        try await group.waitForAll()
      }
    }
  }

  private func use(_ stack: Stack) throws -> [(name: String, cpu: Double)] {
    try StackProcess.allCases.map { process in
      let pid = try stack.pid(of: process)
      return (process.rawValue, try process == .postgresql ? ProcessUse.cpuWithChildren(of: pid) : ProcessUse(pid).cpu)
    }
  }
}
