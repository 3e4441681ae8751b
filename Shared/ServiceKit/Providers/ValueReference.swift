import Foundation

/// Resolves what a value of the providers file refers to: `${NAME}`, `${NAME:-default}` and `file:/path`.
struct ValueReference {
  /// Why a reference cannot be resolved; it names no value.
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  var environment: [String: String]

  /// A `file:` value is the trimmed content of that file; references may stand anywhere in other values.
  func resolve(_ text: String) throws -> String {
    let expanded = try expand(text)
    guard expanded.hasPrefix("file:/") else { return expanded }
    let path = String(expanded.dropFirst("file:".count))
    do {
      return try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
    } catch {
      throw Failure(description: "the file \(path) cannot be read")
    }
  }

  private func expand(_ text: String) throws -> String {
    var result = ""
    var rest = text[...]
    while let start = rest.firstRange(of: "${") {
      result += rest[..<start.lowerBound]
      guard let end = rest[start.upperBound...].firstIndex(of: "}") else {
        throw Failure(description: "the reference ${ has no end")
      }
      result += try value(of: rest[start.upperBound..<end])
      rest = rest[rest.index(after: end)...]
    }
    return result + rest
  }

  /// An empty variable is as good as none, as in a shell's `:-`.
  private func value(of reference: Substring) throws -> String {
    let separator = reference.firstRange(of: ":-")
    let name = String(reference[..<(separator?.lowerBound ?? reference.endIndex)])
    guard name.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil else {
      throw Failure(description: "\"\(name)\" is not the name of a variable")
    }
    if let value = environment[name], !value.isEmpty { return value }
    guard let separator else { throw Failure(description: "the variable \(name) is not set") }
    return String(reference[separator.upperBound...])
  }
}
