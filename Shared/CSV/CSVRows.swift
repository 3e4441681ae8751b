/// A table as text (RFC 4180), with the line on which each row begins.
///
/// Rows end at CR, LF or both and at nothing else, fields at the separator. A field in quotes may hold all of these, and a quote written twice. What
/// follows a closing quote up to the separator is kept as it is, since spreadsheets do so too. A byte order mark and
/// blank lines are left out, and so is the line `sep=;` with which a spreadsheet names its separator.
public struct CSVRows: Sendable, Equatable {
  /// One row.
  public struct Row: Sendable, Equatable {
    /// From 1.
    public var line: Int
    public var fields: [String]

    public init(line: Int, fields: [String]) {
      self.line = line
      self.fields = fields
    }
  }

  /// A quote was opened and never closed.
  public struct OpenQuote: Error, Sendable, Equatable {
    /// The line on which it was opened.
    public var line: Int

    public init(line: Int) { self.line = line }
  }

  public private(set) var rows: [Row] = []

  /// - Parameter separator: When it is not given, the one that `sep=` names, or else the one that the first line with any has
  ///   most of, among comma, semicolon and tab.
  public init(_ text: String, separator: Unicode.Scalar? = nil) throws(OpenQuote) {
    let named = separator == nil ? Self.namedSeparator(text) : nil
    var scanner = Scanner(text, separator: separator ?? named ?? Self.likelySeparator(text))
    rows = try scanner.rows()
    if named != nil { rows.removeFirst() }
  }

  private static func namedSeparator(_ text: String) -> Unicode.Scalar? {
    let first = text.unicodeScalars.drop { $0 == "\u{FEFF}" }.prefix { !$0.endsRow }
    guard first.count == 5, String(first).lowercased().hasPrefix("sep="), let last = first.last,
      ",;\t|".unicodeScalars.contains(last)
    else { return nil }
    return last
  }

  private static func likelySeparator(_ text: String) -> Unicode.Scalar {
    let separators = ",;\t".unicodeScalars
    // A title may stand above a table.
    let lines = text.unicodeScalars.split(maxSplits: 10) { $0.endsRow }.prefix(10)
    guard let first = lines.first(where: { $0.contains(where: separators.contains) }) else { return "," }
    let candidates: [Unicode.Scalar] = [",", ";", "\t"]
    let counts = candidates.map { candidate in (candidate: candidate, count: first.count { $0 == candidate }) }
    // The first of equals: a comma when there is none at all.
    return counts.reduce(counts[0]) { $1.count > $0.count ? $1 : $0 }.candidate
  }
}

extension Unicode.Scalar {
  /// CR or LF; `isNewline` takes form feeds and Unicode's separators too.
  fileprivate var endsRow: Bool { self == "\n" || self == "\r" }
}

/// Scalar by scalar: a separator or a quote with a combining mark behind it is one still.
private struct Scanner {
  private var scalars: Substring.UnicodeScalarView
  private let separator: Unicode.Scalar
  private var line = 1

  init(_ text: String, separator: Unicode.Scalar) {
    scalars = text[...].unicodeScalars
    if scalars.first == "\u{FEFF}" { scalars.removeFirst() }
    self.separator = separator
  }

  mutating func rows() throws(CSVRows.OpenQuote) -> [CSVRows.Row] {
    var rows: [CSVRows.Row] = []
    while !scalars.isEmpty {
      let row = CSVRows.Row(line: line, fields: try fields())
      if row.fields != [""] { rows.append(row) }
    }
    return rows
  }

  /// Up to the end of the row, that included.
  private mutating func fields() throws(CSVRows.OpenQuote) -> [String] {
    var fields: [String] = []
    while true {
      fields.append(try field())
      let end = scalars.popFirst()
      if end == separator { continue }
      if end == "\r", scalars.first == "\n" { scalars.removeFirst() }
      line += 1
      return fields
    }
  }

  /// Up to a separator or the end of the row, which stays.
  private mutating func field() throws(CSVRows.OpenQuote) -> String {
    var field = String.UnicodeScalarView()
    if scalars.first == "\"" {
      let opened = line
      scalars.removeFirst()
      while true {
        guard let next = scalars.popFirst() else { throw CSVRows.OpenQuote(line: opened) }
        if next == "\"" {
          guard scalars.first == "\"" else { break }
          scalars.removeFirst()
        } else if next == "\r" || (next == "\n" && field.last != "\r") {
          line += 1
        }
        field.append(next)
      }
    }
    while let next = scalars.first, next != separator, !next.endsRow {
      field.append(next)
      scalars.removeFirst()
    }
    return String(field)
  }
}
