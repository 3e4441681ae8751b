import FoundationEssentials
import HTTPTransport
import Logging

@testable import MockProvider

/// A mock on a free port and a client to it.
final class RunningMock: Sendable {
  let server: MockServer
  private let transport: HTTPTransport

  init(_ arguments: String...) throws {
    let command = try MockProviderCommand.parse(["--seed", "1"] + arguments)
    server = try MockServer.start(command.buildMock(), host: "127.0.0.1", port: 0)
    transport = HTTPTransport(
      configuration: HTTPTransportConfiguration(allowInsecureHTTP: true),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  deinit {
    transport.close()
    // `try?`: the test has its result by then.
    try? server.stop()
  }

  func send(_ method: String, _ path: String, _ body: String = "", timeout: Duration = .seconds(10)) async
    -> HTTPTransportExchange.Result
  {
    await transport.perform(
      HTTPTransportRequest(
        method: method, url: "http://127.0.0.1:\(server.port)\(path)", body: Array(body.utf8), timeout: timeout)
    ).result
  }

  /// The status and the body, or what happened instead.
  func call(_ method: String, _ path: String, _ body: String = "", timeout: Duration = .seconds(10)) async -> String {
    switch await send(method, path, body, timeout: timeout) {
    case .response(let status, _, let body, let isComplete):
      "\(status) \(String(decoding: body, as: UTF8.self).trimmingSuffix)\(isComplete ? "" : " (cut)")"
    case .notSent(let failure): "notSent \(failure.kind)"
    case .claimExpired: "claimExpired"
    case .unknown(let failure): "unknown \(failure.kind)"
    }
  }

  struct Seen: Decodable {
    let arrivals, accepted, refused, violations, duplicates, max_in_window: Int
    let by_status: [String: Int]
    let mean_rate: Double?
    let first_at: String?
  }

  struct Row: Decodable {
    let n, connection: Int
    let provider, number, text, outcome, wall: String
    let monotonic_ns: Int64
    let status: Int?
  }

  func stats() async throws -> [String: Seen] { try await read("/stats") }

  func rows(_ query: String = "") async throws -> [Row] { try await read("/arrivals?\(query)") }

  private func read<T: Decodable>(_ path: String) async throws -> T {
    guard case .response(200, _, let body, true) = await send("GET", path) else { throw NotRead() }
    return try JSONDecoder().decode(T.self, from: Data(body))
  }

  struct NotRead: Error {}
}

extension String {
  fileprivate var trimmingSuffix: String { hasSuffix("\n") ? String(dropLast()) : self }
}
