import Foundation

/// The fields of a form that was sent, `application/x-www-form-urlencoded` or `multipart/form-data`.
struct PanelForm: Sendable {
  private let values: [String: [String]]

  /// - Parameter type: The `Content-Type`.
  /// - Throws: `APIError` for what is not UTF-8 or holds U+0000.
  init(_ bytes: [UInt8], type: String? = nil) throws {
    if let type, type.lowercased().hasPrefix("multipart/form-data") {
      guard let parts = Multipart(bytes, type: type)?.parts else {
        throw APIError.invalidField("", "not_valid", "The form cannot be read")
      }
      let pairs = try parts.map { (name: $0.name, value: try Self.text($0)) }
      values = Dictionary(grouping: pairs, by: \.name).mapValues { $0.map(\.value) }
      return
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw APIError.invalidField("", "not_utf8", "The form is not UTF-8")
    }
    values = Dictionary(grouping: try Query.pairs(text), by: \.name).mapValues { $0.map(\.value) }
  }

  /// A field as text. Spreadsheets save files as UTF-8 or, with a byte order mark, as UTF-16.
  private static func text(_ part: Multipart.Part) throws -> String {
    let isUTF16 = part.bytes.starts(with: [0xFF, 0xFE]) || part.bytes.starts(with: [0xFE, 0xFF])
    let text =
      isUTF16 ? String(data: Data(part.bytes), encoding: .utf16) : String(validating: part.bytes, as: UTF8.self)
    guard let text else { throw APIError.invalidField(part.name, "not_utf8", "Must be text in UTF-8 or UTF-16") }
    guard !text.utf8.contains(0) else {
      throw APIError.invalidField(part.name, "invalid_character", "U+0000 is not allowed")
    }
    return text
  }

  init(_ values: [String: [String]]) { self.values = values }

  /// A field as it was sent; empty counts as absent. Lines end as on Unix.
  subscript(name: String) -> String? {
    guard let value = values[name]?.first?.replacing("\r\n", with: "\n"), !value.isEmpty else { return nil }
    return value
  }

  /// Without space around it.
  func trimmed(_ name: String) -> String? {
    let text = self[name]?.trimmingCharacters(in: .whitespacesAndNewlines)
    return text?.isEmpty == false ? text : nil
  }

  /// A whole number; `nil` for anything else.
  func number(_ name: String) -> Int? { trimmed(name).flatMap { Int($0) } }

  /// All values of a field that may be given more than once.
  func all(_ name: String) -> [String] { values[name] ?? [] }

  /// True when a box is ticked.
  func isTicked(_ name: String) -> Bool { self[name] != nil }
}
