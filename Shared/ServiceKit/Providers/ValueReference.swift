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

  /// What is wrong with a variable's value: a line end or another control character is part of no value here. Files with
  /// Windows line ends leave one behind.
  static func problem(in value: String) -> String? {
    guard let control = value.unicodeScalars.first(where: { $0.properties.generalCategory == .control }) else {
      return nil
    }
    let digits = String(control.value, radix: 16, uppercase: true)
    let code = "U+" + String(repeating: "0", count: 4 - digits.count) + digits
    return control == "\r" || control == "\n"
      ? "holds a line end (\(code)): is it from a file with Windows line ends?" : "holds a control character (\(code))"
  }

  /// An empty variable is as good as none, as in a shell's `:-`.
  private func value(of reference: Substring) throws -> String {
    let separator = reference.firstRange(of: ":-")
    let name = String(reference[..<(separator?.lowerBound ?? reference.endIndex)])
    guard name.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_]*/) != nil else {
      throw Failure(description: "\"\(name)\" is not the name of a variable")
    }
    if let value = environment[name], !value.isEmpty {
      if let problem = Self.problem(in: value) { throw Failure(description: "the variable \(name) \(problem)") }
      return value
    }
    guard let separator else { throw Failure(description: "the variable \(name) is not set") }
    return String(reference[separator.upperBound...])
  }
}
