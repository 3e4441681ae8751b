import Foundation
import NIOConcurrencyHelpers
import TestSupport

@testable import APIGateway

/// Reads one event stream as a browser does.
final class EventClient: Sendable {
  struct Event: Sendable {
    var name: String
    var data: String
    /// The last id that was seen with it or before it.
    var id: String?

    private var answer: RawHTTP.Answer { RawHTTP.Answer(status: 200, headers: [:], body: data) }

    func string(_ path: String) -> String? { answer.string(path) }

    func number(_ path: String) -> Double? { answer.number(path) }
  }

  private struct State {
    var bytes: [UInt8] = []
    var isClosed = false
  }

  private let descriptor: Int32
  private let state = NIOLockedValueBox(State())

  private init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit { Foundation.close(descriptor) }

  /// Asks for a stream and waits until it has begun.
  static func open(
    _ http: RawHTTP, token: String, query: String = "", headers: [String: String] = [:]
  ) async throws -> EventClient {
    let client = try start(http, token: token, query: query, headers: headers)
    client.read()
    try await eventually("the stream begins") { client.text.contains("\r\n\r\n") && client.text.contains("retry:") }
    return client
  }

  /// Asks for a stream and reads nothing of it yet.
  static func start(
    _ http: RawHTTP, token: String, query: String = "", headers: [String: String] = [:], receiveBuffer: Int32? = nil
  ) throws -> EventClient {
    let client = EventClient(try http.connection(receiveBuffer: receiveBuffer))
    var head = "GET /api/events\(query) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\n"
    for (name, value) in headers { head += "\(name): \(value)\r\n" }
    RawHTTP.write(Array((head + "\r\n").utf8), to: client.descriptor)
    return client
  }

  /// Reads from now on.
  func read() {
    Thread.detachNewThread { [self] in
      var buffer = [UInt8](repeating: 0, count: 65_536)
      while true {
        let count = recv(descriptor, &buffer, buffer.count, 0)
        if count < 0, errno == EAGAIN || errno == EINTR { continue }
        guard count > 0 else { break }
        state.withLockedValue { $0.bytes += buffer[..<count] }
      }
      state.withLockedValue { $0.isClosed = true }
    }
  }

  /// Goes away.
  func close() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  var isClosed: Bool { state.withLockedValue { $0.isClosed } }

  /// All that came, head and chunk sizes included.
  var text: String { state.withLockedValue { String(decoding: $0.bytes, as: UTF8.self) } }

  /// The last id that was seen, also without an event.
  var lastID: String? { fields.last { $0.name == "id" }?.value }

  var events: [Event] {
    var events: [Event] = []
    var (name, data, id) = ("message", [String](), String?.none)
    for field in fields {
      switch field.name {
      case "event": name = field.value
      case "data": data.append(field.value)
      case "id": id = field.value
      case "end":
        if !data.isEmpty { events.append(Event(name: name, data: data.joined(separator: "\n"), id: id)) }
        (name, data) = ("message", [])
      default: break
      }
    }
    return events
  }

  /// The lines of the body, with `end` for an empty one. Every chunk is whole lines.
  private var fields: [(name: String, value: String)] {
    guard let head = text.range(of: "\r\n\r\n") else { return [] }
    return unchunked(Array(text[head.upperBound...].utf8)).split(separator: "\n", omittingEmptySubsequences: false)
      .map { line in
        if line.isEmpty { return ("end", "") }
        let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : "")
      }
  }

  private func unchunked(_ bytes: [UInt8]) -> String {
    var rest = bytes[...]
    var body: [UInt8] = []
    while let end = rest.firstIndex(of: UInt8(ascii: "\r")),
      let size = Int(String(decoding: rest[..<end], as: UTF8.self), radix: 16), size > 0,
      rest.distance(from: end, to: rest.endIndex) >= size + 4
    {
      body += rest[(end + 2)..<(end + 2 + size)]
      rest = rest[(end + 4 + size)...]
    }
    // What ends in the middle of an event is none yet.
    let text = String(decoding: body, as: UTF8.self)
    guard let end = text.range(of: "\n\n", options: .backwards) else { return "" }
    return String(text[..<end.upperBound])
  }

  /// Waits until this many events have come, of these kinds or of any.
  @discardableResult
  func events(_ count: Int, named names: String...) async throws -> [Event] {
    let wanted = Set(names)
    func found() -> [Event] { events.filter { wanted.isEmpty || wanted.contains($0.name) } }
    try await eventually("\(count) events, \(events.map(\.name)) so far") { found().count >= count }
    return found()
  }
}
