import ServiceKit

/// The elements of a provider's answer, as far as it can be read as XML: a whole document or a few elements side by side.
///
/// It is no validating reader, on purpose: it never resolves anything. A document type is skipped, one with declarations of
/// its own ends the reading; only the five predefined entities and character references are replaced. End tags without a
/// beginning are passed over, elements without an end (as in HTML) end with the one around them.
struct XMLReply: Sendable {
  private struct Element {
    /// Names from the root to this element, without prefixes, in lower case.
    var path: [String]
    var attributes: [String: String]
    /// Its text and that of all elements within.
    var text = ""
  }

  private static let mostDepth = 32
  private static let mostElements = 4096

  private var elements: [Element] = []

  /// - Returns: `nil` when the text holds no element, or nests or declares more than any answer needs.
  init?(_ text: String) {
    guard text.utf8.contains(UInt8(ascii: "<")) else { return nil }
    var reader = Reader(text)
    var open: [Int] = []
    while let token = reader.next() {
      switch token {
      case .text(let text):
        for index in open { elements[index].text += text }
      case .start(let name, let attributes, let isEmpty):
        guard open.count < Self.mostDepth, elements.count < Self.mostElements else { return nil }
        let path = (open.last.map { elements[$0].path } ?? []) + [name]
        elements.append(Element(path: path, attributes: attributes))
        if !isEmpty { open.append(elements.count - 1) }
      case .end(let name):
        guard let place = open.lastIndex(where: { elements[$0].path.last == name }) else { continue }
        open.removeSubrange(place...)
      case .unreadable: return nil
      }
    }
    if elements.isEmpty { return nil }
  }

  /// The texts at a path, in order, without white space at their ends.
  func texts(at path: ReplyPath) -> [String] {
    var names = path.components.map { $0.lowercased() }
    let attribute = names.last.flatMap { $0.hasPrefix("@") ? String($0.dropFirst()) : nil }
    if attribute != nil { names.removeLast() }
    return elements.compactMap { element in
      guard path.isAbsolute ? element.path == names : element.path.suffix(names.count) == names[...] else { return nil }
      return (attribute.map { element.attributes[$0] } ?? element.text)?.trimmedOfSpace
    }
  }

  private enum Token {
    case text(String)
    case start(name: String, attributes: [String: String], isEmpty: Bool)
    case end(name: String)
    case unreadable
  }

  private struct Reader {
    private var rest: ArraySlice<UInt8>

    init(_ text: String) { rest = Array(text.utf8)[...] }

    mutating func next() -> Token? {
      guard let first = rest.first else { return nil }
      guard first == UInt8(ascii: "<") else {
        return .text(XMLReply.replacingReferences(in: take { $0 != UInt8(ascii: "<") }))
      }
      if skip("<!--") { return cut(at: "-->") == nil ? .unreadable : .text("") }
      if skip("<![CDATA[") { return cut(at: "]]>").map { .text($0) } ?? .unreadable }
      if skip("<?") { return cut(at: "?>") == nil ? .unreadable : .text("") }
      if skip("<!") {
        guard let declaration = cut(at: ">"), !declaration.contains("[") else { return .unreadable }
        return .text("")
      }
      if skip("</") { return cut(at: ">").map { .end(name: XMLReply.localName($0)) } ?? .unreadable }
      rest.removeFirst()
      // A lone `<`, as people write it.
      guard let second = rest.first, XMLReply.isNameStart(second) else { return .text("<") }
      return tag()
    }

    /// The rest of a start tag; one without an end makes all unreadable.
    private mutating func tag() -> Token {
      let name = XMLReply.localName(
        take { !XMLReply.isSpace($0) && $0 != UInt8(ascii: ">") && $0 != UInt8(ascii: "/") })
      var attributes: [String: String] = [:]
      while true {
        _ = take { XMLReply.isSpace($0) }
        if skip("/>") { return .start(name: name, attributes: attributes, isEmpty: true) }
        if skip(">") { return .start(name: name, attributes: attributes, isEmpty: false) }
        guard !rest.isEmpty else { return .unreadable }
        if skip("/") { continue }
        let key = XMLReply.localName(
          take {
            !XMLReply.isSpace($0) && ![UInt8(ascii: "="), UInt8(ascii: ">"), UInt8(ascii: "/")].contains($0)
          })
        _ = take { XMLReply.isSpace($0) }
        guard skip("=") else {
          attributes[key] = ""
          continue
        }
        _ = take { XMLReply.isSpace($0) }
        let value: String?
        if skip("\"") {
          value = cut(at: "\"")
        } else if skip("'") {
          value = cut(at: "'")
        } else {
          value = take { !XMLReply.isSpace($0) && $0 != UInt8(ascii: ">") }
        }
        guard let value else { return .unreadable }
        attributes[key] = XMLReply.replacingReferences(in: value)
      }
    }

    private mutating func take(while isWanted: (UInt8) -> Bool) -> String {
      let end = rest.firstIndex { !isWanted($0) } ?? rest.endIndex
      defer { rest = rest[end...] }
      return String(decoding: rest[..<end], as: UTF8.self)
    }

    private mutating func skip(_ text: String) -> Bool {
      guard rest.starts(with: text.utf8) else { return false }
      rest = rest.dropFirst(text.utf8.count)
      return true
    }

    /// What stands before the mark, and goes on behind it; `nil` when there is none.
    private mutating func cut(at mark: String) -> String? {
      let mark = Array(mark.utf8)
      guard let start = rest.indices.first(where: { rest[$0] == mark[0] && rest[$0...].starts(with: mark) }) else {
        return nil
      }
      defer { rest = rest[(start + mark.count)...] }
      return String(decoding: rest[..<start], as: UTF8.self)
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0A, 0x0D].contains(byte) }

  private static func isNameStart(_ byte: UInt8) -> Bool {
    byte >= 0x80 || byte == UInt8(ascii: "_")
      || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
  }

  private static func localName(_ name: String) -> String {
    let local = name.lastIndex(of: ":").map { name[name.index(after: $0)...] } ?? name[...]
    return String(local).trimmedOfSpace.lowercased()
  }

  private static func replacingReferences(in text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "&")) else { return text }
    return text.replacing(/&(#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|lt|gt|amp|quot|apos);/) { match in
      switch match.1 {
      case "lt": "<"
      case "gt": ">"
      case "amp": "&"
      case "quot": "\""
      case "apos": "'"
      default: character(match.1.dropFirst()) ?? String(match.0)
      }
    }
  }

  private static func character(_ reference: Substring) -> String? {
    let isHex = reference.first == "x" || reference.first == "X"
    let number = UInt32(isHex ? reference.dropFirst() : reference, radix: isHex ? 16 : 10)
    return number.flatMap { $0 == 0 ? nil : Unicode.Scalar($0) }.map { String($0) }
  }
}

extension String {
  var trimmedOfSpace: String {
    let start = drop(while: \.isWhitespace)
    guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...end])
  }
}
