import ArgumentParser
import Contracts
import Foundation
import Logging
import Postgres
import TestSupport

/// How fast the log is folded into the read tables, and how long a fact takes to be read.
struct ProjectorBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "projector", abstract: "Unit facts a second folded from a filled log, and the lag at 150 SMS/s.",
    discussion: """
      Runs status-projector from SLUICE_BUILD_DIR (use .build/release) with a RabbitMQ and a PostgreSQL of its own. Every \
      SMS has two unit facts: its dispatch and its end.
      """)

  @Option(help: "SMS in the log; may be repeated.")
  var sms = [100_000]

  @Option(help: "Recipients of each message; may be repeated.")
  var recipients = [1, 10, 1_000]

  @Option(help: "SMS of one fact.")
  var batch = 50

  @Option(help: "Seconds to measure the lag at 150 SMS/s.")
  var seconds = 20

  func run() async throws {
    let database = try await FoldedTables()
    try await FactLog.with { log in
      try await withProjector(log, database) { _ in try await database.show(try await log.marker()) }
      print("| SMS | per message | unit facts/s | messages/s | projector CPU per SMS | PostgreSQL CPU per SMS |")
      print("|---|---|---|---|---|---|")
      for sms in sms {
        for recipients in recipients { try await fold(sms, recipients, log, database) }
      }
      try await lag(log, database)
    }
  }

  private func fold(_ sms: Int, _ recipients: Int, _ log: FactLog, _ database: FoldedTables) async throws {
    for start in stride(from: 0, to: sms / recipients, by: 1_000) {
      let ids = try await log.accept(min(1_000, sms / recipients - start), recipients: recipients)
      try await log.send(
        (0..<recipients).flatMap { index in ids.map { UnitID(messageID: $0, index: index) } }, batch: batch)
    }
    let marker = try await log.marker()
    let offset = try await database.offset()
    try await withProjector(log, database) { process in
      let server = ProcessID(try await PostgresCluster.shared().processID())
      try await database.pass(offset)
      let start = ContinuousClock.now
      let before = (try ProcessUse(process).cpu, try ProcessUse.cpuWithChildren(of: server))
      try await database.show(marker)
      let took = start.duration(to: .now) / .seconds(1)
      let use = (try ProcessUse(process).cpu - before.0, try ProcessUse.cpuWithChildren(of: server) - before.1)
      let rates = [Double(2 * sms) / took, Double(sms / recipients) / took].map { String(Int($0)) }
      let costs = [use.0, use.1].map { "\(Int($0 / Double(sms) * 1e6)) µs" }
      print("| \(sms) | \(recipients) | " + (rates + costs).joined(separator: " | ") + " |")
    }
  }

  /// A load of 150 SMS a second, one a message, and beside it messages that are looked for until they are there.
  private func lag(_ log: FactLog, _ database: FoldedTables) async throws {
    try await withProjector(log, database) { _ in
      try await database.show(try await log.marker())
      let load = Task {
        while !Task.isCancelled {
          let start = ContinuousClock.now
          let ids = try await log.accept(15, recipients: 1)
          try await log.send(ids.map { UnitID(messageID: $0, index: 0) }, batch: 15)
          try await Task.sleep(until: start + .milliseconds(100), clock: .continuous)
        }
      }
      defer { load.cancel() }
      var lags: [Double] = []
      let end = ContinuousClock.now + .seconds(seconds)
      while ContinuousClock.now < end {
        let start = ContinuousClock.now
        try await database.show(try await log.marker())
        lags.append(start.duration(to: .now) / .seconds(1))
      }
      lags.sort()
      print("\n| lag at 150 SMS/s | p50 | p99 | max |\n|---|---|---|---|")
      let values = [lags[lags.count / 2], lags[lags.count * 99 / 100], lags[lags.count - 1]]
      print(
        "| \(lags.count) messages | " + values.map { String(format: "%.0f ms", $0 * 1000) }.joined(separator: " | ")
          + " |")
    }
  }

  private func withProjector(
    _ log: FactLog, _ database: FoldedTables, _ body: (ProcessID) async throws -> Void
  ) async throws {
    let process = Process()
    process.executableURL = try BuiltProduct.url("status-projector")
    process.environment = [
      "SLUICE_INSTANCE": "benchmark", "SLUICE_AMQP_URL": log.url, "SLUICE_DATABASE_URL": database.url,
      "SLUICE_LOG_LEVEL": "error",
    ]
    try process.run()
    defer {
      process.terminate()
      process.waitUntilExit()
    }
    try await body(ProcessID(process.processIdentifier))
  }
}
