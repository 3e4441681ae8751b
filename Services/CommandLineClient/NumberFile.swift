import ArgumentParser
import CSV
import Foundation
import PhoneNumbers
import Recipients
import SMSText

/// Numbers from a file, each with its line, read as the panel reads them.
struct NumberFile: Sendable {
  struct Entry: Sendable, Equatable {
    var line: Int
    var number: String
    /// Its own text, where the text names columns of the file.
    var text: String?
  }

  private(set) var entries: [Entry] = []
  /// Rows that cannot be sent to: without a number, or without what the text names.
  private(set) var rejected: [BulkResult.Rejected] = []
  /// How the file was read, where nobody said it.
  private(set) var note: String?

  /// More rows than any file that is meant has.
  private static let limit = 1_000_000

  /// - Parameters:
  ///   - text: A table with a row of names at its beginning, or only numbers.
  ///   - column: A column's name, its place from 1, or `all`; found by its name when there is none.
  ///   - message: What is sent; `{{name}}` stands for what a row has in that column.
  /// - Throws: `ValidationError` when there is no such column, when it is not clear which has the numbers, or when the message
  ///   names one that is not there.
  init(_ text: String, column: String?, message: String = "", parser: PhoneNumberParser = NumberFile.parser) throws {
    var table = try Self.table(text, nil, parser)
    if let column {
      table = try Self.table(text, try Self.place(column, in: table), parser)
    } else if table.needsColumn {
      throw ValidationError(
        "which column holds the numbers? Give --column NAME or its place; there are: \(Self.names(table))")
    } else if case .place(let place) = table.column, table.heading == nil {
      note = "numbers are read from column \(place + 1)"
    } else if table.columns.isEmpty, let heading = table.heading {
      note = "read as the heading: \(heading)"
    }
    guard !table.rows.isEmpty else { throw ValidationError("the file is empty") }
    let personal = PersonalText(message)
    let used = try personal.columns.map { name in (name: name, place: try Self.place(of: name, in: table)) }
    for row in table.rows {
      if row.number.isEmpty {
        rejected.append(.init(line: row.line, number: "", reason: "no number"))
      } else if let blank = used.first(where: { InvisibleCharacters.isBlank(row.fields[$0.place]) }) {
        rejected.append(.init(line: row.line, number: row.number, reason: "{{\(blank.name)}} is empty"))
      } else {
        let values = Dictionary(uniqueKeysWithValues: used.map { ($0.name, row.fields[$0.place]) })
        entries.append(Entry(line: row.line, number: row.number, text: used.isEmpty ? nil : personal(values)))
      }
    }
  }

  /// Reads numbers as the gateway does, if its default region is this one.
  static var parser: PhoneNumberParser {
    let region = ProcessInfo.processInfo.environment["SLUICE_DEFAULT_REGION"] ?? "HK"
    return PhoneNumberParser(defaultRegion: PhoneNumberParser.isKnown(region: region) ? region : "HK")
  }

  private static func table(
    _ text: String, _ column: RecipientTable.Column?, _ parser: PhoneNumberParser
  ) throws -> RecipientTable {
    do {
      return try RecipientTable(text, column: column, parser: parser, limit: limit)
    } catch let error as CSVRows.OpenQuote {
      throw ValidationError("line \(error.line): a quote is opened and never closed")
    } catch {
      throw ValidationError("the file has more than \(limit) rows, or more than 100 columns")
    }
  }

  private static func place(_ column: String, in table: RecipientTable) throws -> RecipientTable.Column {
    if column.lowercased() == "all" { return .all }
    let names = table.columns.isEmpty ? [table.heading ?? "1"] : table.columns
    let places = names.indices.filter { names[$0].lowercased() == column.lowercased() }
    guard places.count < 2 else {
      throw ValidationError("\(places.count) columns are called \(column); give the place: \(Self.names(table))")
    }
    if let place = places.first { return .place(place) }
    guard let place = Int(column), names.indices.contains(place - 1) else {
      throw ValidationError("there is no column \(column); there are: \(Self.names(table))")
    }
    return .place(place - 1)
  }

  private static func place(of name: String, in table: RecipientTable) throws -> Int {
    let places = table.columns.indices.filter { table.columns[$0] == name }
    guard case .place = table.column, let place = places.first else {
      throw ValidationError("the text names {{\(name)}}, and the file has no such column")
    }
    guard places.count == 1 else { throw ValidationError("\(places.count) columns are called \(name)") }
    return place
  }

  private static func names(_ table: RecipientTable) -> String {
    table.columns.enumerated().map { place, name in "\(place + 1)" == name ? name : "\(place + 1) \(name)" }
      .joined(separator: ", ")
  }
}
