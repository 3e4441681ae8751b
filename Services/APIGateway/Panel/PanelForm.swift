import Foundation

/// The fields of a form that was sent, `application/x-www-form-urlencoded`.
struct PanelForm: Sendable {
  private let values: [String: [String]]

  /// - Throws: `APIError` for what is not UTF-8 or holds U+0000.
  init(_ bytes: [UInt8]) throws {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw APIError.invalidField("", "not_utf8", "The form is not UTF-8")
    }
    values = Dictionary(grouping: try Query.pairs(text), by: \.name).mapValues { $0.map(\.value) }
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

  /// All values of a field that may be given more than once.
  func all(_ name: String) -> [String] { values[name] ?? [] }

  /// True when a box is ticked.
  func isTicked(_ name: String) -> Bool { self[name] != nil }
}
