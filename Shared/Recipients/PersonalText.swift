/// A text with `{{name}}` in it, which is another for each recipient.
public struct PersonalText: Sendable, Equatable {
  private enum Piece: Sendable, Equatable {
    case text(String)
    case column(String)
  }

  private let pieces: [Piece]
  /// The columns that it names, each once, in the order of the text.
  public let columns: [String]
  /// A `{{` in it is never closed.
  public let isOpen: Bool

  public init(_ text: String) {
    var pieces: [Piece] = []
    var rest = text[...]
    while let open = rest.firstRange(of: "{{"), let close = rest[open.upperBound...].firstRange(of: "}}") {
      pieces.append(.text(String(rest[..<open.lowerBound])))
      let name = rest[open.upperBound..<close.lowerBound].trimmingPrefix(while: \.isWhitespace)
      pieces.append(.column(String(name.reversed().drop(while: \.isWhitespace).reversed())))
      rest = rest[close.upperBound...]
    }
    isOpen = rest.contains("{{")
    pieces.append(.text(String(rest)))
    self.pieces = pieces
    var seen: Set<String> = []
    columns = pieces.compactMap { piece in
      if case .column(let name) = piece, seen.insert(name).inserted { name } else { nil }
    }
  }

  public func callAsFunction(_ values: [String: String]) -> String {
    pieces.map { piece in
      switch piece {
      case .text(let text): text
      case .column(let name): values[name] ?? ""
      }
    }.joined()
  }
}
