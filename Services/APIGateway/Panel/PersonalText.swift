/// A text with `{{name}}` in it, which is another for each recipient.
struct PersonalText: Sendable, Equatable {
  private enum Piece: Sendable, Equatable {
    case text(String)
    case column(String)
  }

  private let pieces: [Piece]

  init(_ text: String) {
    var pieces: [Piece] = []
    var rest = text[...]
    while let open = rest.firstRange(of: "{{"), let close = rest[open.upperBound...].firstRange(of: "}}") {
      pieces.append(.text(String(rest[..<open.lowerBound])))
      let name = rest[open.upperBound..<close.lowerBound].trimmingPrefix(while: \.isWhitespace)
      pieces.append(.column(String(name.reversed().drop(while: \.isWhitespace).reversed())))
      rest = rest[close.upperBound...]
    }
    pieces.append(.text(String(rest)))
    self.pieces = pieces
  }

  /// The columns that it names, each once, in the order of the text.
  var columns: [String] {
    pieces.reduce(into: []) { names, piece in
      if case .column(let name) = piece, !names.contains(name) { names.append(name) }
    }
  }

  func callAsFunction(_ values: [String: String]) -> String {
    pieces.map { piece in
      switch piece {
      case .text(let text): text
      case .column(let name): values[name] ?? ""
      }
    }.joined()
  }
}
