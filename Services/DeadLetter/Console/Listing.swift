/// Tables for a terminal. Phone numbers and texts are only in `show` and `--json`.
enum Listing {
  static func of(_ letters: [Letter]) -> String {
    table(
      ["ID", "CREATED", "STATE", "UNIT", "ERROR", "PROVIDER", "ATTEMPTS", "MESSAGE"],
      letters.map { letter in
        [
          "\(letter.id)", "\(letter.createdAt)", letter.state, letter.unitState, letter.errorType,
          letter.provider ?? "-", "\(letter.retryCount)", "\(letter.messageID)/\(letter.unitIndex)",
        ]
      })
  }

  static func of(_ messages: [KeptPoison]) -> String {
    table(
      ["ID", "RECEIVED", "STATE", "TIMES", "QUEUE", "TYPE", "BYTES", "ERROR"],
      messages.map { message in
        [
          "\(message.id)", "\(message.receivedAt)", message.state, "\(message.times)", message.queue,
          message.type ?? "-",
          "\(message.body.utf8.count)", message.error,
        ]
      })
  }

  /// Columns as wide as their widest cell; the last is not padded.
  static func table(_ head: [String], _ rows: [[String]]) -> String {
    let lines = [head] + rows
    let widths = head.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      line.enumerated().map { index, cell in
        index == line.count - 1 ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }
}
