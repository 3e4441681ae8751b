import Contracts

/// Which letters a list shows.
struct LetterFilter: Sendable {
  static let parameters: Set<String> = [
    "status", "error_type", "provider", "user_id", "message_id", "from", "to", "limit", "cursor",
  ]

  var status: LetterStatus?
  var errorType: String?
  /// Of the last attempt.
  var provider: String?
  var userID: UserID?
  var messageID: MessageID?
  /// Opened from this time on.
  var from: Timestamp?
  /// Opened before this time.
  var to: Timestamp?
  var cursor: PageCursor?
  var size = 50

  init() {}

  init(_ query: Query) throws {
    status = try query.choice("status")
    errorType = query.string("error_type")
    if let errorType, errorType.unicodeScalars.count > 255 {
      throw APIError.invalidField("error_type", "too_long", "At most 255 characters are allowed")
    }
    provider = query.string("provider")
    userID = try query.user("user_id")
    messageID = try query.message("message_id")
    from = try query.time("from")
    to = try query.timeEnd("to").map { $0 + .microseconds(1) }
    cursor = try PageCursor.given(query)
    size = try query.int("limit", in: 1...200, default: 50)
  }
}

extension Query {
  /// A message's id.
  func message(_ name: String) throws -> MessageID? {
    guard let text = string(name) else { return nil }
    guard let id = MessageID(text) else {
      throw APIError.invalidField(name, "not_an_id", "Must be the id of a message")
    }
    return id
  }
}
