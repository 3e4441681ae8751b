import CSV
import PhoneNumbers

/// Recipients as somebody pasted or uploaded them: a list of numbers, or a table with one column of numbers.
///
/// A column with the numbers is known by its name, by being the only one with mobile numbers in a table without names, or by
/// somebody's choice; it is never guessed. Nothing is left out silently: a heading and the chosen column are named, a row
/// without a number stays a row.
public struct RecipientTable: Sendable, Equatable {
  /// One recipient.
  public struct Row: Sendable, Equatable {
    /// In the text, from 1.
    public var line: Int
    /// As it was written; empty where there is none.
    public var number: String
    /// The fields of the row, by the places of their columns.
    public var fields: [String]
  }

  /// Which column has the numbers.
  public enum Column: Sendable, Hashable {
    /// From 0.
    case place(Int)
    /// All of them: each field is a number of its own.
    case all
  }

  /// More rows or columns than anybody may send to.
  public struct TooMuch: Error {}

  public private(set) var rows: [Row] = []
  /// The names of the columns, or their places from 1; empty where the text is a list of numbers.
  public private(set) var columns: [String] = []
  /// The column with the numbers. `nil` for a list, and for a table of which it has to be asked.
  public private(set) var column: Column?
  /// It has to be asked which column has the numbers; there are no rows.
  public private(set) var needsColumn = false
  /// Every field may be a number.
  public private(set) var mayBeAll = false
  /// What was read as the names of the columns, or as the title of a list.
  public private(set) var heading: String?

  /// Columns of a table; spreadsheets have no more that mean something.
  private static let columnLimit = 100
  /// Rows in which numbers are looked for.
  private static let sample = 1_000

  /// - Parameters:
  ///   - chosen: The column with the numbers, if somebody chose one; one that does not exist counts as none.
  ///   - parser: Decides what is a number.
  ///   - limit: Recipients.
  /// - Throws: `CSVRows.OpenQuote`; `TooMuch` before much was made of it.
  public init(_ text: String, column chosen: Column? = nil, parser: PhoneNumberParser, limit: Int = 10_000) throws {
    // With room for blank lines, which spreadsheets leave at the end.
    guard text.utf8.count(where: { $0 == 0x0A || $0 == 0x0D }) <= 4 * limit + 100 else { throw TooMuch() }
    var table = try CSVRows(text).rows
    let width = table.map(\.fields.count).max() ?? 0
    guard table.count <= limit + 100, width <= Self.columnLimit || table.count == 1 && width <= limit + 1 else {
      throw TooMuch()
    }
    for place in table.indices { table[place].fields = table[place].fields.map(Self.trimmed) }
    // Rows of nothing, and lines that are drawn between others.
    table.removeAll { row in !row.fields.contains { field in field.contains { $0.isLetter || $0.isNumber } } }
    let used = table.map { row in row.fields.lastIndex { !$0.isEmpty } ?? 0 }.max() ?? 0
    if used == 0 {
      readList(table.map { row in (row.line, row.fields[0]) }, parser)
    } else if table.count == 1, chosen == nil, !text.unicodeScalars.contains("\t"), Self.isList(table[0].fields) {
      readList(table[0].fields.filter { !$0.isEmpty }.map { (table[0].line, $0) }, parser)
    } else {
      readTable(table, width: used + 1, chosen, parser)
    }
    guard rows.count <= limit else { throw TooMuch() }
  }

  // MARK: Lists

  private mutating func readList(_ lines: [(line: Int, text: String)], _ parser: PhoneNumberParser) {
    var lines = lines[...]
    if lines.count > 1, let first = lines.first, Self.isTitle(first.text) {
      heading = first.text
      lines = lines.dropFirst()
    }
    rows = lines.flatMap { line in
      Self.numbers(on: line.text, parser).map { Row(line: line.line, number: $0, fields: [$0]) }
    }
  }

  /// One number, or several with Chinese commas or spaces between them.
  private static func numbers(on line: String, _ parser: PhoneNumberParser) -> [String] {
    let entries = line.split { "、，；".contains($0) }.map { trimmed(String($0)) }.filter { !$0.isEmpty }
    return entries.flatMap { entry -> [String] in
      let words = entry.split(whereSeparator: \.isWhitespace).map(String.init)
      guard words.count > 1, case .failure = parser.parse(entry) else { return [entry] }
      let areAllNumbers = words.allSatisfy { if case .success = parser.parse($0) { true } else { false } }
      return areAllNumbers ? words : [entry]
    }
  }

  private static func isTitle(_ text: String) -> Bool {
    !text.contains(where: \.isNumber) || ColumnName(text) != .other && !hasDigits(text)
  }

  /// Numbers that are separated on one line are a list as well; with tabs they are a row of a spreadsheet.
  private static func isList(_ fields: [String]) -> Bool {
    let filled = fields.filter { !$0.isEmpty }
    let count = filled.count(where: hasDigits)
    return count > 1 || count == filled.count
  }

  // MARK: Tables

  private mutating func readTable(
    _ table: [CSVRows.Row], width: Int, _ chosen: Column?, _ parser: PhoneNumberParser
  ) {
    let head = Self.head(of: table)
    let names = head.map { table[$0].fields }
    let body = head.map { table[($0 + 1)...] } ?? table[...]
    columns = (0..<width).map { place in
      let name = names.flatMap { place < $0.count ? $0[place] : nil } ?? ""
      return name.isEmpty ? String(place + 1) : name
    }
    heading = names.map { $0.filter { !$0.isEmpty }.joined(separator: ", ") }
    mayBeAll = body.allSatisfy { row in row.fields.allSatisfy { $0.isEmpty || Self.hasDigits($0) } }
    column =
      Self.valid(chosen, width) ?? Self.column(named: names)
      ?? (names == nil ? Self.column(with: body, width, parser) : nil)
    switch column {
    case nil: needsColumn = true
    case .all:
      rows = body.flatMap { row in
        row.fields.filter { !$0.isEmpty }.map { Row(line: row.line, number: $0, fields: []) }
      }
    case .place(let place):
      rows = body.map { row in
        let fields = row.fields.prefix(width) + Array(repeating: "", count: max(0, width - row.fields.count))
        return Row(line: row.line, number: fields[place], fields: Array(fields))
      }
    }
  }

  private static func valid(_ chosen: Column?, _ width: Int) -> Column? {
    if case .place(let place) = chosen, !(0..<width).contains(place) { return nil }
    return chosen
  }

  /// The row with the names of the columns: one of the first with a name that speaks of telephones, before there is any
  /// number; or the first one without a number.
  private static func head(of table: [CSVRows.Row]) -> Int? {
    for (place, row) in table.prefix(5).enumerated() {
      let isTelling = row.fields.contains { ColumnName($0) != .other && !hasDigits($0) }
      if isTelling, row.fields.count(where: { !$0.isEmpty }) > 1 { return place }
      if row.fields.contains(where: hasDigits) { break }
    }
    guard table.count > 1, let first = table.first, !first.fields.contains(where: hasDigits) else { return nil }
    return 0
  }

  /// The one whose name says most, unless two say the same.
  private static func column(named names: [String]?) -> Column? {
    guard let ranks = names?.map({ ColumnName($0) }), let best = ranks.max(), best != .other,
      ranks.count(where: { $0 == best }) == 1
    else { return nil }
    return ranks.firstIndex(of: best).map { .place($0) }
  }

  /// The only one in which there are numbers, of which one is surely a mobile one.
  private static func column(with body: ArraySlice<CSVRows.Row>, _ width: Int, _ parser: PhoneNumberParser) -> Column? {
    var found: Int?
    for place in 0..<width {
      let readings = body.prefix(sample).lazy.compactMap { row -> PhoneNumberParser.Reading? in
        guard place < row.fields.count, hasDigits(row.fields[place]) else { return nil }
        return try? parser.read(row.fields[place]).get()
      }
      guard let first = readings.first else { continue }
      guard found == nil, first.doubt == nil || readings.contains(where: { $0.doubt == nil }) else { return nil }
      found = place
    }
    return found.map { .place($0) }
  }

  /// At least six digits: no name of a column has as many, and what has is never taken for one.
  private static func hasDigits(_ text: String) -> Bool {
    text.unicodeScalars.count { $0.properties.numericType == .decimal } >= 6
  }

  private static func trimmed(_ text: String) -> String {
    let kept = text.unicodeScalars.drop { $0.properties.isWhitespace || $0 == "\u{FEFF}" || $0 == "\u{200B}" }
    return String(Substring(kept).reversed().drop { $0.isWhitespace || $0 == "\u{200B}" }.reversed())
  }
}
