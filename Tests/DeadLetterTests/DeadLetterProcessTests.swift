import Contracts
import Foundation
import ServiceKit
import Testing
import TestSupport

@Suite("The executable dead-letter", .serialized, .timeLimit(.minutes(2)))
struct DeadLetterProcessTests {
  /// Runs the executable beside the tests.
  private func start(_ arguments: [String], _ environment: [String: String]) throws -> (Process, Pipe, Pipe) {
    let process = Process()
    process.executableURL = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
      .appending(path: "dead-letter")
    process.arguments = arguments
    process.environment = environment
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    return (process, output, errors)
  }

  private func text(_ pipe: Pipe) throws -> String {
    String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
  }

  private func ended(_ process: Process) async throws -> Int32 {
    try await eventually(within: .seconds(12), "the process ends") { !process.isRunning }
    return process.terminationStatus
  }

  @Test("ends with 78 and one line that names every setting at fault")
  func badSettings() async throws {
    let (process, _, errors) = try start(["run"], ["SLUICE_LOG_FORMAT": "xml"])
    #expect(try await ended(process) == 78)
    #expect(
      try text(errors)
        == "dead-letter: SLUICE_AMQP_URL: is not set; SLUICE_DATABASE_URL: is not set; SLUICE_LOG_FORMAT: must be one of text, json\n"
    )
  }

  @Test("dies between the commit and the publishing of a request, and its successor does what is left")
  func diesInBetween() async throws {
    try await DeadLetterService.with(replicas: 0) { service in
      let failpoints = FileManager.default.temporaryDirectory.appending(path: "failpoints-\(UUID())")
      try FileManager.default.createDirectory(at: failpoints, withIntermediateDirectories: true)
      // A folder among the temporary ones may stay.
      defer { try? FileManager.default.removeItem(at: failpoints) }
      var environment = DeadLetterService.environment(service.virtualHost, databaseURL: service.databaseURL)
      environment["SLUICE_FAILPOINTS"] = failpoints.path
      try Data().write(to: failpoints.appending(path: Failpoint.letterRequestCommitted.rawValue))
      let (first, _, _) = try start([], environment)
      try await eventually(within: .seconds(30), "the tables are there") {
        try await service.pool.query("SELECT to_regclass('dead_letter.orders') IS NOT NULL AS is_there").first?
          .decode("is_there") ?? false
      }
      _ = try await service.bury(2)
      let id = try await service.command(
        DeadLetterReplay(selection: .init(), actor: LetterActor(userID: nil, name: "ann")))
      #expect(try await ended(first) == SIGKILL)
      let waiting = try await service.pool.query("SELECT FROM dead_letter.orders WHERE published_at IS NULL").count
      #expect(waiting == 1)
      #expect(try service.facts(UnitReplay.self).isEmpty && service.facts(CommandAnswered.self).isEmpty)
      let (second, _, _) = try start([], environment)
      let answer = try await service.answer(id)
      #expect(answer.letters?.applied == 2)
      try await eventually("it is ordered") { try service.facts(UnitReplay.self).count == 1 }
      #expect(try service.facts(UnitReplay.self).first?.body.units.count == 2)
      second.terminate()
      #expect(try await ended(second) == 0)
    }
  }

  @Test("serves its health port, ends with 0 after SIGTERM, and lists what it stored")
  func graceful() async throws {
    let virtualHost = try await RabbitMQNode.shared().makeVirtualHost()
    try await DeadLetterService.declare(virtualHost)
    var environment = DeadLetterService.environment(
      virtualHost, databaseURL: try await PostgresCluster.shared().makeDatabase())
    let (process, _, errors) = try start([], environment)
    var log = ""
    // The log's first lines tell the port that the kernel picked.
    while !log.contains(" port="), let chunk = try errors.fileHandleForReading.read(upToCount: 1) {
      log += String(decoding: chunk, as: UTF8.self)
    }
    log += String(decoding: try errors.fileHandleForReading.read(upToCount: 5) ?? Data(), as: UTF8.self)
    let digits = log.split(separator: " port=").last?.prefix { $0.isNumber } ?? ""
    let client = JSONClient(base: "http://127.0.0.1:\(digits)")
    try await eventually("it is ready") {
      let answer = try? await client.get("/health/ready")  // Not answering yet is what is waited out.
      return answer?.status == 200
    }
    #expect(try await client.get("/metrics").text.contains("process_resident_memory_bytes"))
    process.terminate()
    #expect(try await ended(process) == 0)
    #expect(try text(errors).contains("stopped"))
    environment["SLUICE_AMQP_URL"] = nil
    let (list, output, _) = try start(["list", "--json"], environment)
    #expect(try await ended(list) == 0)
    #expect(try text(output).trimmingCharacters(in: .whitespacesAndNewlines).filter { !$0.isWhitespace } == "[]")
    let (show, _, _) = try start(["show", "018f0000-0000-7000-8000-000000000000"], environment)
    #expect(try await ended(show) == 1)
    try await virtualHost.delete()
  }
}
