/// The result of a statement: its rows, and how many rows it affected.
public struct PostgresRows: RandomAccessCollection, Sendable {
  let table: ResultTable

  public var startIndex: Int { 0 }
  public var endIndex: Int { table.rowCount }

  public subscript(index: Int) -> PostgresRow {
    precondition(indices.contains(index), "row index out of range")
    return PostgresRow(table: table, index: index)
  }

  /// How many rows an INSERT, UPDATE, DELETE, MERGE, or SELECT touched or returned; 0 for other commands.
  public var affected: Int { table.affected }
}

/// One row of a result; valid as long as it is kept.
public struct PostgresRow: Sendable {
  let table: ResultTable
  let index: Int

  /// Reads a column by its name. Decode as an optional where NULL may come.
  /// - Throws: `PostgresError` with `.decoding`, which names the column and never holds the value.
  public func decode<Value: PostgresDecodable>(_ column: String, as type: Value.Type = Value.self) throws -> Value {
    guard let position = table.columns.firstIndex(of: column) else {
      throw PostgresError(.decoding, "the result has no column \(column)")
    }
    do {
      return try Value(postgresText: table.cell(row: index, column: position))
    } catch let failure as PostgresDecodingFailure {
      throw PostgresError(.decoding, "column \(column) \(failure.reason)")
    }
  }
}

/// The values of a result in one buffer, copied out of libpq's.
final class ResultTable: Sendable {
  let columns: [String]
  let rowCount: Int
  let affected: Int
  let commandTag: String
  private let bytes: [UInt8]
  /// Where each cell ends, row by row; the complement (negative) of the same for NULL.
  private let ends: [Int]

  init(columns: [String], rowCount: Int, affected: Int, commandTag: String, bytes: [UInt8], ends: [Int]) {
    self.columns = columns
    self.rowCount = rowCount
    self.affected = affected
    self.commandTag = commandTag
    self.bytes = bytes
    self.ends = ends
  }

  /// The result of a command without rows.
  static let empty = ResultTable(columns: [], rowCount: 0, affected: 0, commandTag: "", bytes: [], ends: [])

  func cell(row: Int, column: Int) -> ArraySlice<UInt8>? {
    let index = row * columns.count + column
    guard ends[index] >= 0 else { return nil }
    let start = index == 0 ? 0 : ends[index - 1]
    return bytes[(start >= 0 ? start : ~start)..<ends[index]]
  }
}
