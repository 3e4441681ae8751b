import Contracts
import Foundation
import Hummingbird

/// The query parameters of one request; one that a route does not know is an error, not ignored.
struct Query: Sendable {
  private let values: [String: String]

  /// - Throws: `APIError` that names a parameter which is unknown or given twice.
  init(_ request: Request, allowing names: Set<String>) throws {
    var values: [String: String] = [:]
    for (name, value) in try Self.pairs(request.uri.query ?? "") {
      guard names.contains(name) else {
        throw APIError.invalidField(name, "unknown_parameter", "This route does not know the parameter")
      }
      guard values.updateValue(value, forKey: name) == nil else {
        throw APIError.invalidField(name, "duplicate", "The parameter is given more than once")
      }
    }
    self.values = values
  }

  init(_ values: [String: String]) { self.values = values }

  /// `application/x-www-form-urlencoded`, as browsers and `curl --data-urlencode` write it: a `+` is a space.
  static func pairs(_ query: String) throws -> [(name: String, value: String)] {
    try query.split(separator: "&").map { pair in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      func decoded(_ part: Substring) -> String? { part.replacing("+", with: " ").removingPercentEncoding }
      guard let name = decoded(parts[0]) else {
        throw APIError.invalidField("", "not_utf8", "The query is no UTF-8 with percent escapes")
      }
      guard let value = decoded(parts.count > 1 ? parts[1] : "") else {
        throw APIError.invalidField(name, "not_utf8", "Must be UTF-8 with percent escapes")
      }
      // PostgreSQL's text cannot hold it.
      guard !value.utf8.contains(0), !name.utf8.contains(0) else {
        throw APIError.invalidField(name, "invalid_character", "U+0000 is not allowed")
      }
      return (name, value)
    }
  }

  func has(_ name: String) -> Bool { values[name] != nil }

  /// An empty parameter counts as absent.
  func string(_ name: String) -> String? {
    values[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// The same, where a `+` that was not escaped is more likely than a space: numbers and time zones.
  func plusString(_ name: String) -> String? { string(name)?.replacing(" ", with: "+") }

  func int(_ name: String, in range: ClosedRange<Int>, default fallback: Int) throws -> Int {
    guard let text = string(name) else { return fallback }
    guard let value = Int(text), range.contains(value) else {
      throw APIError.invalidField(
        name, "out_of_range", "Must be a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// One of an enumeration's names.
  func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, _ type: Choice.Type = Choice.self) throws
    -> Choice?
  where Choice.RawValue == String {
    guard let text = string(name) else { return nil }
    guard let value = Choice(rawValue: text) else {
      let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw APIError.invalidField(name, "not_allowed", "Must be one of \(names)")
    }
    return value
  }
}

extension Query {
  /// A text to look for.
  func text(_ name: String) throws -> String? {
    guard let text = string(name) else { return nil }
    guard text.unicodeScalars.count <= 200 else {
      throw APIError.invalidField(name, "too_long", "At most 200 characters are allowed")
    }
    return text
  }

  /// `true` or `false`.
  func bool(_ name: String) throws -> Bool? {
    switch string(name) {
    case nil: return nil
    case "true": return true
    case "false": return false
    default: throw APIError.invalidField(name, "wrong_type", "Must be true or false")
    }
  }

  /// A UUID.
  func id(_ name: String) throws -> UUID? {
    guard let text = string(name) else { return nil }
    guard text.utf8.count == 36, let id = UUID(uuidString: text) else {
      throw APIError.invalidField(name, "not_an_id", "Must be a UUID")
    }
    return id
  }

  /// The end of a span, that included: times are shown in milliseconds and kept in microseconds.
  func timeEnd(_ name: String) throws -> Timestamp? {
    try time(name).map { $0.microseconds.isMultiple(of: 1_000) ? Timestamp(microseconds: $0.microseconds + 999) : $0 }
  }

  /// A time in ISO 8601.
  func time(_ name: String) throws -> Timestamp? {
    guard let text = plusString(name) else { return nil }
    guard let time = Timestamp(text), (0...4_102_444_800_000_000).contains(time.microseconds) else {
      throw APIError.invalidField(name, "not_a_time", "Must be a time like 2026-11-21T08:15:30Z")
    }
    return time
  }
}
