import Foundation

/// Standard output for results, standard error for everything else.
enum Console {
  static func complain(_ text: String) { write("sluice: \(shown(text))\n", to: .standardError) }

  static func note(_ text: String) { write(shown(text) + "\n", to: .standardError) }

  static func print(_ answer: Gateway.Answer) { write(answer.text + "\n", to: .standardOutput) }

  static func print(_ text: String) { write(shown(text) + "\n", to: .standardOutput) }

  /// A text as a terminal may show it: what would move the cursor, change colours, hide or reorder characters is written as an
  /// escape, `\u{1B}`. Texts, references and replies come from outside.
  static func shown(_ text: String, linesAsWell: Bool = false) -> String {
    text.unicodeScalars.reduce(into: "") { shown, scalar in
      let isLine = scalar == "\n" && !linesAsWell
      switch scalar.properties.generalCategory {
      case .control where !isLine, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse:
        shown += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
      default: shown.unicodeScalars.append(scalar)
      }
    }
  }

  /// Lines one below the other, columns aligned; numbers to the right.
  static func table(_ header: [String], _ rows: [[String]]) {
    let rows = rows.map { row in row.map { shown($0, linesAsWell: true) } }
    let widths = header.indices.map { column in
      ([header] + rows).map { $0[column].count }.max() ?? 0
    }
    for row in [header] + rows {
      let cells = zip(row, widths).map { cell, width in
        let fill = String(repeating: " ", count: width - cell.count)
        return Double(cell) == nil ? cell + fill : fill + cell
      }
      let line = cells.joined(separator: "  ")
      print(String(line.reversed().drop { $0 == " " }.reversed()))
    }
  }

  /// Whether somebody watches standard error.
  static var isWatched: Bool { isatty(STDERR_FILENO) == 1 }

  static func write(_ text: String, to handle: FileHandle) {
    // Nobody may be reading any more; there is nowhere else to say so.
    try? handle.write(contentsOf: Data(text.utf8))
  }
}
