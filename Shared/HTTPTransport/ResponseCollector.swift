/// Puts an answer together from libcurl's pieces.
struct ResponseCollector {
  private(set) var status = 0
  private(set) var headers: [(String, String)] = []
  private(set) var body: [UInt8] = []
  /// Whether the head of a final answer has been read whole.
  private(set) var isHeadComplete = false
  private var headerBytes = 0

  private static let headerLimit = 65_536

  /// Takes one line of the head; each (also interim) answer begins with its status line.
  /// - Returns: false when the head is too long.
  mutating func takeHeader(_ line: UnsafeRawBufferPointer) -> Bool {
    headerBytes += line.count
    guard headerBytes <= Self.headerLimit else { return false }
    let text = String(decoding: line, as: UTF8.self).trimmed
    if text.isEmpty {
      isHeadComplete = status >= 200
    } else if text.hasPrefix("HTTP/"), !isHeadComplete {
      status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
      headers = []
    } else if let colon = text.firstIndex(of: ":") {
      headers.append((text[..<colon].lowercased(), String(text[text.index(after: colon)...]).trimmed))
    }
    return true
  }

  /// Takes a piece of the body.
  /// - Returns: false when the body is longer than `limit`; its beginning is kept.
  mutating func takeBody(_ bytes: UnsafeRawBufferPointer, limit: Int) -> Bool {
    let room = limit - body.count
    body.append(contentsOf: bytes.prefix(max(0, room)))
    return bytes.count <= room
  }
}

extension String {
  /// Without white space at the ends.
  fileprivate var trimmed: String {
    let start = drop(while: \.isWhitespace)
    guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...end])
  }
}
