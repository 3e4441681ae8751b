import ArgumentParser
import CSV
import Foundation

/// Numbers from a file, each with its line.
struct NumberFile: Sendable {
  struct Entry: Sendable, Equatable {
    var line: Int
    var number: String
  }

  private(set) var entries: [Entry] = []
  /// Lines without a number in the column.
  private(set) var empty: [Int] = []

  /// - Parameters:
  ///   - text: A table with a row of names at its beginning, or only numbers.
  ///   - column: A column's name or its place from 1; found by its name when there is none.
  /// - Throws: `ValidationError` when there is no such column.
  init(_ text: String, column: String?) throws {
    let rows: [CSVRows.Row]
    do {
      rows = try CSVRows(text).rows
    } catch {
      throw ValidationError("line \(error.line): a quote is opened and never closed")
    }
    guard let first = rows.first else { throw ValidationError("the file is empty") }
    let (index, hasNames) = try Self.place(column, in: first.fields)
    for row in hasNames ? rows.dropFirst() : rows[...] {
      let number = row.fields.indices.contains(index) ? row.fields[index].trimmingCharacters(in: .whitespaces) : ""
      if number.isEmpty { empty.append(row.line) } else { entries.append(Entry(line: row.line, number: number)) }
    }
  }

  private static let usualNames: Set<String> = [
    "number", "phone", "mobile", "recipient", "msisdn", "tel", "telephone", "phone number", "mobile number", "電話",
    "電話號碼",
    "手機", "手機號碼",
  ]

  private static func place(_ column: String?, in first: [String]) throws -> (index: Int, hasNames: Bool) {
    let names = first.map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
    // The other columns may hold anything, such as years as names and rooms as values.
    func isName(_ index: Int) -> Bool { names[index].count { $0.isNumber } < 3 }
    guard let column else {
      if let index = names.firstIndex(where: usualNames.contains) { return (index, true) }
      guard names.count == 1 else {
        throw ValidationError("which column holds the numbers? Give --column NAME or its place; there are: \(first)")
      }
      return (0, isName(0))
    }
    if let index = names.firstIndex(of: column.lowercased()) { return (index, true) }
    guard let place = Int(column), names.indices.contains(place - 1) else {
      throw ValidationError("there is no column \(column); there are: \(first.joined(separator: ", "))")
    }
    return (place - 1, isName(place - 1))
  }
}
