import CSV
import Foundation

/// The fields of a form that was sent, `application/x-www-form-urlencoded` or `multipart/form-data`.
struct PanelForm: Sendable {
  private let values: [String: [String]]
  /// How the first file that is not empty was written.
  private(set) var fileEncoding: SpreadsheetText.Encoding?
  /// Why a file could not be read; the other fields are there all the same.
  private(set) var fileProblem: APIError.Detail?

  /// - Parameter type: The `Content-Type`.
  /// - Throws: `APIError` for a field that holds U+0000 or is not UTF-8.
  init(_ bytes: [UInt8], type: String? = nil) throws {
    if let type, type.lowercased().hasPrefix("multipart/form-data") {
      guard let parts = Multipart(bytes, type: type)?.parts else {
        throw APIError.invalidField("", "not_valid", "The form cannot be read")
      }
      var pairs: [(name: String, value: String)] = []
      for part in parts {
        let read: SpreadsheetText
        do {
          read = try Self.text(part)
        } catch let error as APIError {
          guard part.filename != nil else { throw error }
          fileProblem = fileProblem ?? error.details.first
          continue
        }
        pairs.append((part.name, read.text))
        if part.filename != nil, !part.bytes.isEmpty { fileEncoding = fileEncoding ?? read.encoding }
      }
      values = Dictionary(grouping: pairs, by: \.name).mapValues { $0.map(\.value) }
      return
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw APIError.invalidField("", "not_utf8", "The form is not UTF-8")
    }
    values = Dictionary(grouping: try Query.pairs(text), by: \.name).mapValues { $0.map(\.value) }
  }

  /// A part as text. Browsers write UTF-8, spreadsheets what they like.
  private static func text(_ part: Multipart.Part) throws -> SpreadsheetText {
    let read = SpreadsheetText(part.bytes)
    guard let read, part.filename != nil || read.encoding == .utf8 else {
      throw APIError.invalidField(
        part.name, part.filename == nil ? "not_utf8" : "not_text", "Must be text in UTF-8, UTF-16 or Big5")
    }
    guard !read.text.utf8.contains(0) else {
      throw APIError.invalidField(part.name, "invalid_character", "U+0000 is not allowed")
    }
    return read
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

  /// The same with another value of a field; `nil` takes it out.
  func setting(_ name: String, _ value: String?) -> PanelForm {
    var values = values
    values[name] = value.map { [$0] }
    var form = PanelForm(values)
    (form.fileEncoding, form.fileProblem) = (fileEncoding, fileProblem)
    return form
  }

  /// All values of a field that may be given more than once.
  func all(_ name: String) -> [String] { values[name] ?? [] }

  /// True when a box is ticked.
  func isTicked(_ name: String) -> Bool { self[name] != nil }
}
