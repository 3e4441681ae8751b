/// A request body as JSON.
enum JSONBody {
  /// - Throws: `INVALID_JSON`, with the place and, where it is in one, the field.
  static func read(_ bytes: [UInt8]) throws -> JSONValue {
    do {
      return try JSONReader.read(bytes)
    } catch {
      let message = "Not valid JSON at byte \(error.offset)"
      throw APIError(
        .invalidJSON, message, details: [APIError.Detail(error.field ?? "", error.reason.rawValue, message)])
    }
  }
}
