/// What people wrote, for one line of a table.
enum Line {
  /// At most 80 characters; a dash for nothing.
  static func of(_ text: String?) -> String {
    guard let text, !text.isEmpty else { return "–" }
    let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
    return line.count > 80 ? line.prefix(79) + "…" : line
  }
}
