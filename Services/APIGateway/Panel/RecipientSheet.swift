import CSV

/// Recipients as somebody pasted or uploaded them: numbers one per line, or a table with one column of numbers.
struct RecipientSheet: Sendable, Equatable {
  /// One recipient.
  struct Row: Sendable, Equatable {
    /// In the text, from 1.
    var line: Int
    var number: String
    /// What the other columns hold, by their names.
    var values: [String: String]
  }

  private(set) var rows: [Row] = []
  /// The names of the columns; empty where the text is a list of numbers.
  private(set) var columns: [String] = []
  /// Which of them has the numbers.
  private(set) var numberColumn = 0

  /// More rows or columns than anybody may send to.
  struct TooMuch: Error {}

  /// Columns of a table; spreadsheets have no more that mean something.
  private static let columnLimit = 100

  /// - Parameters:
  ///   - column: The name of the column with the numbers, if somebody chose one.
  ///   - wanted: The columns whose values are kept; `nil` for all.
  ///   - limit: Recipients.
  /// - Throws: `CSVRows.OpenQuote`; `TooMuch` before much was made of it.
  init(_ text: String, column: String? = nil, keeping wanted: Set<String>? = nil, limit: Int = 10_000) throws {
    // With room for blank lines, which spreadsheets leave at the end.
    guard text.utf8.count(where: { $0 == 0x0A || $0 == 0x0D }) <= 4 * limit + 100 else { throw TooMuch() }
    let table = try CSVRows(text).rows
    let width = table.map(\.fields.count).max() ?? 0
    guard table.count <= limit + 1, width <= Self.columnLimit || table.count == 1 && width <= limit else {
      throw TooMuch()
    }
    guard width > 1 else {
      rows = table.map { Row(line: $0.line, number: Self.trimmed($0.fields[0]), values: [:]) }.filter {
        !$0.number.isEmpty
      }
      if let first = rows.first, !first.number.contains(where: \.isNumber) { rows.removeFirst() }
      return
    }
    // Numbers that are separated by commas on one line are a list as well.
    if table.count == 1, !table[0].fields.contains(where: { !Self.looksLikeNumber($0) }) {
      rows = table.flatMap { row in
        row.fields.map(Self.trimmed).filter { !$0.isEmpty }.map { Row(line: row.line, number: $0, values: [:]) }
      }
      return
    }
    let hasHead = !table[0].fields.contains { Self.looksLikeNumber($0) }
    columns = (0..<width).map { place in
      let name = hasHead && place < table[0].fields.count ? Self.trimmed(table[0].fields[place]) : ""
      return name.isEmpty ? String(place + 1) : name
    }
    let body = hasHead ? table.dropFirst() : table[...]
    numberColumn =
      column.flatMap { columns.firstIndex(of: $0) }
      ?? (0..<width).max { left, right in Self.numbers(body, left) < Self.numbers(body, right) } ?? 0
    rows = body.filter { row in row.fields.contains { !$0.allSatisfy(\.isWhitespace) } }.map { row in
      let fields = row.fields.map(Self.trimmed) + Array(repeating: "", count: width - row.fields.count)
      return Row(
        line: row.line, number: fields[numberColumn],
        values: Dictionary(
          zip(columns, fields).filter { wanted?.contains($0.0) != false }, uniquingKeysWith: { first, _ in first }))
    }
  }

  private static func numbers(_ rows: ArraySlice<CSVRows.Row>, _ column: Int) -> Int {
    rows.prefix(100).count { column < $0.fields.count && looksLikeNumber($0.fields[column]) }
  }

  /// At least six digits, and nothing that numbers do not have.
  private static func looksLikeNumber(_ text: String) -> Bool {
    text.count { $0.isASCII && $0.isNumber } >= 6
      && text.allSatisfy { ($0.isASCII && $0.isNumber) || "+-() .".contains($0) }
  }

  private static func trimmed(_ text: String) -> String {
    String(text.trimmingPrefix(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
  }
}
