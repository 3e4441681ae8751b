import Foundation
import HTTPTransport
import Logging

/// A client for one server's JSON routes.
public struct JSONClient: Sendable {
  /// What a server answered.
  public struct Answer: Sendable {
    public var status: Int
    /// By lower-case name; of a repeated field the last.
    public var headers: [String: String]
    public var body: [UInt8]

    public var text: String { String(decoding: body, as: UTF8.self) }

    /// The body as JSON, `.null` when it is none.
    public var json: JSONValue {
      // Not JSON is an answer like any other here: the caller looks at `status` and `text`.
      (try? JSONDecoder().decode(JSONValue.self, from: Data(body))) ?? .null
    }
  }

  /// No whole answer came.
  public struct NoAnswer: Error, CustomStringConvertible {
    public var description: String
  }

  public let base: String
  public var headers: [(String, String)]
  public var timeout: Duration
  /// One for all clients: it is a thread.
  private static let transport = HTTPTransport(
    configuration: HTTPTransportConfiguration(userAgent: "sluice-client", allowInsecureHTTP: true),
    logger: Logger(label: "http.client") { _ in SwiftLogNoOpLogHandler() })

  public init(base: String, headers: [(String, String)] = [], timeout: Duration = .seconds(15)) {
    self.base = base
    self.headers = headers
    self.timeout = timeout
  }

  /// The same server, as the owner of another token, or as nobody.
  public func with(token: String?) -> JSONClient {
    var client = self
    client.headers = token.map { [("Authorization", "Bearer \($0)")] } ?? []
    return client
  }

  public func get(_ path: String, headers: [(String, String)] = []) async throws -> Answer {
    try await request("GET", path, headers: headers, body: [])
  }

  public func post(_ path: String, _ body: JSONValue? = nil, headers: [(String, String)] = []) async throws -> Answer {
    try await send("POST", path, body, headers: headers)
  }

  public func patch(_ path: String, _ body: JSONValue, headers: [(String, String)] = []) async throws -> Answer {
    try await send("PATCH", path, body, headers: headers)
  }

  public func delete(_ path: String, headers: [(String, String)] = []) async throws -> Answer {
    try await send("DELETE", path, nil, headers: headers)
  }

  /// Sends a JSON body, where there is one.
  public func send(
    _ method: String, _ path: String, _ body: JSONValue?, headers: [(String, String)] = []
  ) async throws -> Answer {
    let bytes = try body.map { [UInt8](try JSONEncoder().encode($0)) } ?? []
    let contentType = body == nil ? [] : [("Content-Type", "application/json")]
    return try await request(method, path, headers: contentType + headers, body: bytes)
  }

  /// Sends any body.
  public func request(
    _ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8]
  ) async throws -> Answer {
    let request = HTTPTransportRequest(
      method: method, url: base + path, headers: self.headers + headers, body: body, timeout: timeout,
      responseLimit: 256 << 20, reuseConnections: method == "GET")
    switch await Self.transport.perform(request).result {
    case .response(let status, let fields, let body, isComplete: true):
      return Answer(status: status, headers: Dictionary(fields) { _, last in last }, body: body)
    case .response(let status, _, _, isComplete: false):
      throw NoAnswer(description: "\(method) \(path): the answer with status \(status) was cut")
    case .notSent(let failure), .unknown(let failure):
      throw NoAnswer(description: "\(method) \(path): \(failure.message)")
    case .claimExpired:
      throw NoAnswer(description: "\(method) \(path): not sent in time")
    }
  }
}
