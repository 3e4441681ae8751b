/// A broker address that cannot be used. Its text names what is wrong and never holds the password.
public struct AMQPURLError: Error, Equatable, CustomStringConvertible {
  public var message: String
  public var description: String { "AMQP URL: \(message)" }
}

extension AMQPConfiguration {
  /// Reads `amqp://user:password@host1:port1,host2:port2/vhost`.
  ///
  /// User, password and virtual host are percent-decoded; no path means the virtual host `/`. Without user it is
  /// `guest`. IPv6 addresses stand in brackets.
  public init(url: String) throws {
    let scheme = "amqp://"
    guard url.hasPrefix(scheme) else {
      throw AMQPURLError(
        message: url.hasPrefix("amqps://") ? "amqps (TLS) is not supported yet" : "it must begin with amqp://")
    }
    let rest = url.dropFirst(scheme.count)
    guard !rest.contains("?"), !rest.contains("#") else {
      throw AMQPURLError(message: "options after ? or # are not supported (percent-encode them in user and password)")
    }
    let slash = rest.lastIndex(of: "/")
    let authority = rest[..<(slash ?? rest.endIndex)]
    guard !authority.contains("/") else { throw AMQPURLError(message: "a / inside a part must be written %2F") }
    let path = slash.map { rest[rest.index(after: $0)...] }
    let at = authority.lastIndex(of: "@")
    let userInfo = at.map { authority[..<$0] }
    let hostList = at.map { authority[authority.index(after: $0)...] } ?? authority

    let parts = userInfo?.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    self.init(
      hosts: try hostList.split(separator: ",", omittingEmptySubsequences: false).map(Self.host),
      virtualHost: try path.map { $0.isEmpty ? "/" : try decode($0, as: "virtual host") } ?? "/",
      username: try parts.map { try decode($0[0], as: "user") } ?? "guest",
      password: try parts.map { $0.count > 1 ? try decode($0[1], as: "password") : "" } ?? "guest")
  }

  private static func host(_ text: Substring) throws -> Host {
    var name = text
    var port: Substring?
    if text.first == "[" {
      guard let end = text.firstIndex(of: "]") else { throw AMQPURLError(message: "a host has [ without ]") }
      name = text[text.index(after: text.startIndex)..<end]
      let tail = text[text.index(after: end)...]
      guard tail.isEmpty || tail.first == ":" else { throw AMQPURLError(message: "after ] only :port may follow") }
      port = tail.isEmpty ? nil : tail.dropFirst()
    } else if let colon = text.lastIndex(of: ":") {
      name = text[..<colon]
      port = text[text.index(after: colon)...]
    }
    guard !name.isEmpty else { throw AMQPURLError(message: "a host name is empty") }
    guard let port else { return Host(name: String(name)) }
    guard let number = Int(port), (1...65_535).contains(number) else {
      throw AMQPURLError(message: "the port of host \(name) is not a number from 1 to 65535")
    }
    return Host(name: String(name), port: number)
  }
}

private func decode(_ text: Substring, as part: String) throws -> String {
  var bytes: [UInt8] = []
  var rest = Substring(text).utf8
  while let byte = rest.popFirst() {
    guard byte == UInt8(ascii: "%") else {
      bytes.append(byte)
      continue
    }
    guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal) else {
      throw AMQPURLError(message: "the \(part) has a % without two hexadecimal digits")
    }
    bytes.append(high << 4 | low)
  }
  guard let decoded = String(validating: bytes, as: UTF8.self) else {
    throw AMQPURLError(message: "the \(part) is not UTF-8 after percent-decoding")
  }
  guard !decoded.utf8.contains(0) else { throw AMQPURLError(message: "the \(part) holds a zero byte") }
  return decoded
}

private func hexadecimal(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}
