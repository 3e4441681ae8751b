/// The parts of a form with files, `multipart/form-data` (RFC 7578).
struct Multipart: Sendable {
  /// One field.
  struct Part: Sendable, Equatable {
    var name: String
    /// Only of a file.
    var filename: String?
    var bytes: [UInt8]
  }

  private(set) var parts: [Part] = []

  /// - Parameter type: The `Content-Type`, which has the boundary.
  /// - Returns: `nil` when the body is not of that form.
  init?(_ body: [UInt8], type: String) {
    guard let boundary = Self.parameter("boundary", of: type), (1...70).contains(boundary.utf8.count) else {
      return nil
    }
    let delimiter = Array("--\(boundary)".utf8)
    guard body.starts(with: delimiter) else { return nil }
    var rest = body[delimiter.count...]
    let between = Array("\r\n--\(boundary)".utf8)
    while !rest.starts(with: Array("--".utf8)) {
      guard rest.starts(with: Array("\r\n".utf8)), let end = rest.position(of: between) else { return nil }
      let part = rest[(rest.startIndex + 2)..<end]
      guard let gap = part.position(of: Array("\r\n\r\n".utf8)), let read = Self.part(part, gap: gap) else {
        return nil
      }
      parts.append(read)
      rest = rest[(end + between.count)...]
    }
  }

  private static func part(_ bytes: ArraySlice<UInt8>, gap: Int) -> Part? {
    guard let head = String(validating: bytes[..<gap], as: UTF8.self) else { return nil }
    for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix("content-disposition:") {
      guard let name = parameter("name", of: String(line)) else { return nil }
      return Part(name: name, filename: parameter("filename", of: String(line)), bytes: Array(bytes[(gap + 4)...]))
    }
    return nil
  }

  /// A parameter of a header field, in quotes or not.
  private static func parameter(_ name: String, of field: String) -> String? {
    for piece in field.split(separator: ";").dropFirst() {
      let pair = piece.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2, pair[0].filter({ $0 != " " }).lowercased() == name else { continue }
      let value = pair[1].trimmingPrefix { $0 == " " }
      return value.first == "\"" ? String(value.dropFirst().prefix { $0 != "\"" }) : String(value)
    }
    return nil
  }
}

extension ArraySlice<UInt8> {
  /// Where a run of bytes begins.
  fileprivate func position(of wanted: [UInt8]) -> Int? {
    guard let first = wanted.first, count >= wanted.count else { return nil }
    var start = startIndex
    while let found = self[start...].firstIndex(of: first), endIndex - found >= wanted.count {
      if self[found..<(found + wanted.count)].elementsEqual(wanted) { return found }
      start = found + 1
    }
    return nil
  }
}
