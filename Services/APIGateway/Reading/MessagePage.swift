import Contracts

/// Which part of a list is asked for.
enum MessagePage: Sendable, Equatable {
  /// From 1, with the total, as the predecessor's clients page.
  case number(Int, size: Int)
  case after(PageCursor?, size: Int)

  init(_ query: Query) throws {
    let isNumbered = query.has("page") || query.has("per_page")
    guard !isNumbered || query.string("cursor") == nil else {
      throw APIError.invalidField("page", "conflict", "Page either by cursor and limit or by page and per_page")
    }
    let limit = try query.int("limit", in: 1...200, default: 50)
    if !isNumbered, query.has("cursor") || query.has("limit") {
      self = .after(try PageCursor.given(query), size: limit)
    } else {
      // Where pages go by number, `limit` is another name for their size.
      self = .number(
        try query.int("page", in: 1...100_000, default: 1),
        size: try query.int("per_page", in: 1...200, default: limit))
    }
  }

  var size: Int {
    switch self {
    case .number(_, let size), .after(_, let size): size
    }
  }

  /// Rows before the page.
  var offset: Int {
    guard case .number(let number, let size) = self else { return 0 }
    return (number - 1) * size
  }

  var cursor: PageCursor? {
    guard case .after(let cursor, _) = self else { return nil }
    return cursor
  }
}
