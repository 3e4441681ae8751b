import CPostgres

/// Copies what libpq received into values of ours.
enum ResultReader {
  static func table(_ result: OpaquePointer) -> ResultTable {
    let rowCount = Int(PQntuples(result))
    let columnCount = Int(PQnfields(result))
    var bytes: [UInt8] = []
    var ends: [Int] = []
    ends.reserveCapacity(rowCount * columnCount)
    for row in 0..<Int32(rowCount) {
      for column in 0..<Int32(columnCount) {
        let length = Int(PQgetlength(result, row, column))
        if length == 0, PQgetisnull(result, row, column) == 1 {
          ends.append(~bytes.count)
        } else {
          bytes.append(contentsOf: UnsafeRawBufferPointer(start: PQgetvalue(result, row, column), count: length))
          ends.append(bytes.count)
        }
      }
    }
    return ResultTable(
      columns: (0..<Int32(columnCount)).map { string(PQfname(result, $0)) ?? "" }, rowCount: rowCount,
      affected: string(PQcmdTuples(result)).flatMap(Int.init) ?? 0, commandTag: string(PQcmdStatus(result)) ?? "",
      bytes: bytes, ends: ends)
  }

  static func report(_ result: OpaquePointer) -> ServerReport {
    func field(_ code: UInt8) -> String? { string(PQresultErrorField(result, Int32(code))) }
    let severity = field(UInt8(ascii: "V"))
    let parts = [
      field(UInt8(ascii: "M")) ?? string(PQresultErrorMessage(result)), field(UInt8(ascii: "D")),
      field(UInt8(ascii: "H")), field(UInt8(ascii: "W")), field(UInt8(ascii: "P")).map { "at character \($0)" },
    ]
    return ServerReport(
      sqlState: field(UInt8(ascii: "C")), constraint: field(UInt8(ascii: "n")),
      isFatal: severity == "FATAL" || severity == "PANIC", details: parts.compactMap { $0 }.joined(separator: "; "))
  }

  static func string(_ text: UnsafePointer<CChar>?) -> String? { text.map { String(cString: $0) } }
}
