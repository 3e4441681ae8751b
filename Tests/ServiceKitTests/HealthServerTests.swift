import Foundation
import FoundationNetworking
import Logging
import NIOConcurrencyHelpers
import ServiceLifecycle
import Testing
import TestSupport

@testable import ServiceKit

@Suite("The internal port")
struct HealthServerTests {
  private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  private func with(
    _ server: HealthServer, _ body: (@Sendable (String) async throws -> (Int, String)) async throws -> Void
  ) async throws {
    let group = ServiceGroup(services: [server], logger: logger)
    async let ended: Void = group.run()
    try await eventually("the server listens") { server.port != nil }
    let port = try #require(server.port)
    try await body { path in
      let url = try #require(URL(string: "http://127.0.0.1:\(port)\(path)"))
      let (data, response) = try await URLSession.shared.data(from: url)
      return ((response as? HTTPURLResponse)?.statusCode ?? 0, String(decoding: data, as: UTF8.self))
    }
    await group.triggerGracefulShutdown()
    try await ended
  }

  private func expect(
    _ get: @Sendable (String) async throws -> (Int, String), _ path: String, _ status: Int, _ body: String
  ) async throws {
    let answer = try await get(path)
    #expect(answer.0 == status)
    #expect(answer.1 == body)
  }

  @Test("says alive always and ready only without a reason against it", .timeLimit(.minutes(1)))
  func liveAndReady() async throws {
    let reason = NIOLockedValueBox<String?>(nil)
    let server = HealthServer(logger: logger) { reason.withLockedValue { $0 } }
    try await with(server) { get in
      try await expect(get, "/health/live", 200, #"{"status":"alive"}"#)
      try await expect(get, "/health/ready", 200, #"{"status":"ready"}"#)
      reason.withLockedValue { $0 = "broker \"away\"" }
      try await expect(get, "/health/ready", 503, #"{"status":"unready","reason":"broker \"away\""}"#)
      try await expect(get, "/health/live", 200, #"{"status":"alive"}"#)
    }
  }

  @Test("does not wait for a check that hangs", .timeLimit(.minutes(1)))
  func hangingCheck() async throws {
    let (gate, letGo) = AsyncStream.makeStream(of: Void.self)
    let server = HealthServer(checkLimit: .milliseconds(50), logger: logger) {
      for await _ in gate {}
      return nil
    }
    try await with(server) { get in
      try await expect(get, "/health/ready", 503, #"{"status":"unready","reason":"check timed out"}"#)
    }
    letGo.finish()
  }

  @Test("shows the metrics and those of the process", .timeLimit(.minutes(1)))
  func metrics() async throws {
    let metrics = PrometheusMetrics()
    metrics.makeCounter(label: "sluice_test_total", dimensions: []).increment(by: 3)
    try await with(HealthServer(metrics: metrics, logger: logger) { nil }) { get in
      let (status, text) = try await get("/metrics")
      #expect(status == 200)
      #expect(text.contains("sluice_test_total 3\n"))
      for name in ["process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds"] {
        #expect(text.contains("\n\(name) "))
      }
    }
  }
}
