import HTTPTypes

/// A caller's own name for one request, by which its repeats are known.
struct IdempotencyKey: Sendable, Equatable {
  static let header = HTTPField.Name.known("Idempotency-Key")
  static let replayed = HTTPField.Name.known("Idempotent-Replayed")

  /// As it was sent: quotes are part of it.
  let text: String

  /// - Returns: `nil` when there is none.
  /// - Throws: `INVALID_FIELD` that names the header.
  init?(_ headers: HTTPFields) throws {
    let values = headers[values: Self.header]
    guard let text = values.first else { return nil }
    guard values.count == 1, (1...255).contains(text.utf8.count), text.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
    else {
      throw APIError.invalidField(
        "Idempotency-Key", "not_valid", "Must be given once and have 1 to 255 printable ASCII characters")
    }
    self.text = text
  }

  init(_ text: String) { self.text = text }
}
