import Contracts
import Foundation
import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import APIGateway

@Suite("Bad bodies")
struct BadBodyTests {
  @Test("10,000 spoilt bodies give no 5xx, no hang and no half-accepted message")
  func spoilt() async throws {
    try await GatewayFixture.run(settings: Self.settings) { gateway in
      let statuses = try await withThrowingTaskGroup(of: [Int: Int].self) { group in
        for seed in 0..<4 {
          group.addTask {
            var spoiler = BodySpoiler(seed: UInt64(seed + 1))
            let connection = try KeptConnection(port: gateway.http.port)
            var statuses: [Int: Int] = [:]
            for _ in 0..<2_500 {
              let (path, body) = spoiler.next()
              let status = try await connection.post(path, body)
              statuses[status, default: 0] += 1
              if ![202, 400, 404, 405, 413].contains(status) {
                Issue.record("\(status) for \(path): \(String(decoding: body.prefix(400), as: UTF8.self))")
              }
            }
            return statuses
          }
        }
        return try await group.reduce(into: [:]) { all, some in all.merge(some) { $0 + $1 } }
      }
      #expect(statuses.values.reduce(0, +) == 10_000)
      // What got through was whole, and nothing got through that was not answered 202.
      let accepted = try gateway.publisher.accepted()
      #expect(accepted.count == statuses[202] ?? 0)
      #expect((statuses[400] ?? 0) > 5_000)
      for fact in accepted {
        let message = fact.body
        #expect(!message.recipients.isEmpty && message.recipients.count <= 10_000)
        #expect(message.recipients.allSatisfy { $0.hasPrefix("+") && $0.dropFirst().allSatisfy(\.isNumber) })
        #expect(Set(message.recipients).count == message.recipients.count)
        #expect(!message.content.isEmpty && !message.content.utf8.contains(0) && message.segments <= 10)
      }
    }
  }

  private static var settings: GatewaySettings {
    var settings = GatewaySettings()
    settings.requestRate = 1_000_000
    settings.userRequestRate = 1_000_000
    settings.bodySeconds = 5
    return settings
  }
}

/// Makes bodies that are nearly good.
private struct BodySpoiler {
  private var random: SeededGenerator

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  private static let good: [(path: String, body: String)] = [
    ("/api/sms", #"{"recipient":"+85291234567","content":"Hello","class":"urgent","reference":"r-1"}"#),
    ("/api/sms/send", #"{"phone":"9123 4567","text":"你好 \u00e9 \ud83d\ude00","validity_seconds":60}"#),
    (
      "/api/sms/send-bulk",
      #"{"recipients":["91234567","+85298765432","6123 4567"],"content":"x","on_invalid":"skip","expires_at":null}"#
    ),
    ("/api/sms/provider1", #"{"phone":"91234567","text":"a","reject_if_late":true,"validity_seconds":600}"#),
    ("/api/sms", #"{"recipient":"91234567","content":"b","send_at":"2026-12-01T08:00:00Z"}"#),
  ]

  /// Texts that stand where something else should.
  private static let oddities = [
    "null", "true", "-0", "1e400", "1e-400", "123456789012345678901234567890", "0x10", "NaN", "Infinity", "01", "1.",
    ".5",
    #""\u0000""#, #""\ud800""#, #""\udc00\ud800""#, #""\uD83D""#, #""\x41""#, "\"\u{1}\"", "\"\t\"",
    #""+85291234567\u202e""#,
    "[]", "{}", "[[[[]]]]", #"{"a":{"b":[]}}"#, #""""#, #"" ""#, "\"\u{FEFF}\"", "'x'", "undefined", "", ",", ":", "\"",
  ]

  mutating func next() -> (path: String, body: [UInt8]) {
    let (path, text) = Self.good.randomElement(using: &random) ?? Self.good[0]
    var body = Array(text.utf8)
    for _ in 0..<Int.random(in: 1...3, using: &random) { body = spoil(body) }
    return (path, body)
  }

  private mutating func spoil(_ body: [UInt8]) -> [UInt8] {
    guard !body.isEmpty else { return [UInt8(ascii: "{")] }
    var body = body
    let place = Int.random(in: 0..<body.count, using: &random)
    switch Int.random(in: 0..<10, using: &random) {
    case 0: body[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: body.remove(at: place)
    case 2: body.insert(UInt8.random(in: 0...255, using: &random), at: place)
    case 3: body = Array(body[..<place])
    case 4: body += body[place...]
    case 5: body.replaceSubrange(value(in: body, from: place), with: oddity())
    case 6: body.insert(contentsOf: member(), at: min(body.count, 1))
    case 7: body.insert(contentsOf: [0xC0, 0xAF], at: place)
    case 8: body.insert(contentsOf: nesting(), at: place)
    default: body.replaceSubrange(value(in: body, from: place), with: long())
    }
    return body
  }

  /// From behind the next colon to the next comma or the end.
  private func value(in body: [UInt8], from place: Int) -> Range<Int> {
    let colon = body[place...].firstIndex(of: UInt8(ascii: ":")) ?? body.count - 1
    let end = body[colon...].firstIndex(of: UInt8(ascii: ",")) ?? max(colon, body.count - 1)
    return min(colon + 1, end)..<end
  }

  private mutating func oddity() -> [UInt8] { Array((Self.oddities.randomElement(using: &random) ?? "").utf8) }

  private mutating func member() -> [UInt8] {
    let name =
      ["content", "recipient", "class", "x", "__proto__", "", "\\u0063ontent"].randomElement(using: &random) ?? "x"
    return Array("\"\(name)\":".utf8) + oddity() + [UInt8(ascii: ",")]
  }

  private mutating func nesting() -> [UInt8] {
    let depth = Int.random(in: 1...20_000, using: &random)
    return Array(repeating: Bool.random(using: &random) ? UInt8(ascii: "[") : UInt8(ascii: "{"), count: depth)
  }

  private mutating func long() -> [UInt8] {
    let character: UInt8 = [UInt8(ascii: "9"), UInt8(ascii: "a"), 0x80].randomElement(using: &random) ?? 0x39
    let text = [UInt8](repeating: character, count: Int.random(in: 60...20_000, using: &random))
    return Bool.random(using: &random) ? [UInt8(ascii: "\"")] + text + [UInt8(ascii: "\"")] : text
  }
}

/// One connection for many requests, opened anew when the server has closed it. A request takes at most 20 s.
private final class KeptConnection: Sendable {
  private let http: RawHTTP
  private let descriptor: NIOLockedValueBox<Int32>
  private let queue = DispatchQueue(label: "kept connection")

  init(port: Int) throws {
    http = RawHTTP(port: port)
    descriptor = NIOLockedValueBox(try http.connection())
  }

  deinit { close(descriptor.withLockedValue { $0 }) }

  /// - Returns: The status of the answer.
  func post(_ path: String, _ body: [UInt8]) async throws -> Int {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result { try self.exchange(path, body) }) }
    }
  }

  private func exchange(_ path: String, _ body: [UInt8]) throws -> Int {
    let head =
      "POST \(path) HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(GatewayFixture.token)\r\n"
      + "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n\r\n"
    let socket = descriptor.withLockedValue { $0 }
    RawHTTP.write(Array(head.utf8) + body, to: socket)
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let text = String(decoding: answer, as: UTF8.self)
      if let end = text.range(of: "\r\n\r\n") {
        let lines = text[..<end.lowerBound].lowercased().components(separatedBy: "\r\n")
        let length = lines.first { $0.hasPrefix("content-length:") }.flatMap {
          Int($0.dropFirst(15).trimmingCharacters(in: .whitespaces))
        }
        if text[end.upperBound...].utf8.count >= length ?? 0 {
          if lines.contains("connection: close") { try reopen() }
          return lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        }
      }
      let count = recv(socket, &buffer, buffer.count, 0)
      guard count > 0 else { throw RawHTTP.Failure(what: "no answer within 20 s, or none at all") }
      answer += buffer[..<count]
    }
  }

  private func reopen() throws {
    let fresh = try http.connection()
    close(
      descriptor.withLockedValue { old in
        defer { old = fresh }
        return old
      })
  }
}
