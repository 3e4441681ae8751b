import Foundation

@testable import APIGateway

/// A client that sends exactly the bytes it is given, for what well-behaved ones never send.
struct RawHTTP: Sendable {
  var port: Int

  struct Answer: Sendable {
    var status: Int
    /// Names in lower case; of a field that comes more than once a line each.
    var headers: [String: String]
    var body: String

    /// The value at a path of members and indexes, `error.details.0.field`; `nil` for what is not there.
    subscript(path: String) -> JSONValue? {
      guard var value = try? JSONReader.read(Array(body.utf8)) else { return nil }  // no JSON: nothing in it
      for part in path.split(separator: ".") {
        switch value {
        case .array(let elements):
          guard let index = Int(part), elements.indices.contains(index) else { return nil }
          value = elements[index]
        case .object(let members):
          guard let member = members.first(where: { $0.name == part }) else { return nil }
          value = member.value
        case .null, .bool, .number, .string: return nil
        }
      }
      return value
    }

    func string(_ path: String) -> String? {
      if case .string(let text) = self[path] { text } else { nil }
    }

    func number(_ path: String) -> Double? {
      if case .number(let number) = self[path] { number } else { nil }
    }

    func bool(_ path: String) -> Bool? {
      if case .bool(let bool) = self[path] { bool } else { nil }
    }

    func list(_ path: String) -> [JSONValue]? {
      if case .array(let elements) = self[path] { elements } else { nil }
    }
  }

  struct Failure: Error {
    var what: String
  }

  func request(
    _ method: String, _ path: String, token: String? = nil, headers: [String: String] = [:], body: String? = nil
  ) async throws -> Answer {
    var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    if let token { head += "Authorization: Bearer \(token)\r\n" }
    var headers = headers
    if let body {
      if headers["Content-Type"] == nil { headers["Content-Type"] = "application/json" }
      if headers["Transfer-Encoding"] == nil { head += "Content-Length: \(body.utf8.count)\r\n" }
    }
    for (name, value) in headers where !value.isEmpty { head += "\(name): \(value)\r\n" }
    return try await send(Array((head + "\r\n" + (body ?? "")).utf8))
  }

  /// Sends the bytes and reads until the server closes.
  func send(_ bytes: [UInt8]) async throws -> Answer {
    try await withCheckedThrowingContinuation { continuation in
      // A thread of its own: it blocks.
      Thread.detachNewThread { continuation.resume(with: Result { try exchange(bytes) }) }
    }
  }

  private func exchange(_ bytes: [UInt8]) throws -> Answer {
    let descriptor = try connection()
    defer { close(descriptor) }
    Self.write(bytes, to: descriptor)
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { break }
      answer += buffer[..<count]
    }
    return try Self.parse(answer)
  }

  /// A connected socket, whose owner closes it.
  /// - Parameter receiveBuffer: Bytes that the kernel takes for a reader who does not read.
  func connection(receiveBuffer: Int32? = nil) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw Failure(what: "socket") }
    if var receiveBuffer {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
    }
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else {
      close(descriptor)
      throw Failure(what: "connect: \(errno)")
    }
    return descriptor
  }

  static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      // A server may answer and close before it has read everything.
      guard count > 0 else { break }
      sent += count
    }
  }

  private static func parse(_ bytes: [UInt8]) throws -> Answer {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.range(of: "\r\n\r\n") else { throw Failure(what: "no head in \(bytes.count) bytes") }
    let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
    let status = lines[0].split(separator: " ")
    guard status.count > 1, let code = Int(status[1]) else { throw Failure(what: "no status") }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      guard parts.count == 2 else { continue }
      let (name, value) = (parts[0].lowercased(), parts[1].trimmingCharacters(in: .whitespaces))
      headers[name] = headers[name].map { "\($0)\n\(value)" } ?? value
    }
    return Answer(status: code, headers: headers, body: String(text[end.upperBound...]))
  }
}
