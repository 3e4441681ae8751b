import Contracts

/// Where a list goes on: behind this message, newest first, or behind one of its SMS. Opaque to callers.
struct PageCursor: Sendable, Equatable {
  var acceptedAt: Timestamp
  var messageID: MessageID
  /// In lists of SMS: the rest of the message's come first.
  var unitIndex: Int?

  init(acceptedAt: Timestamp, messageID: MessageID, unitIndex: Int? = nil) {
    self.acceptedAt = acceptedAt
    self.messageID = messageID
    self.unitIndex = unitIndex
  }

  var text: String {
    "\(String(acceptedAt.microseconds, radix: 36)).\(messageID)" + (unitIndex.map { ".\($0)" } ?? "")
  }

  init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (2...3).contains(parts.count), let microseconds = Int64(parts[0], radix: 36),
      let id = MessageID(String(parts[1])), (0...4_102_444_800_000_000).contains(microseconds)
    else { return nil }
    acceptedAt = Timestamp(microseconds: microseconds)
    messageID = id
    guard parts.count == 3 else { return }
    guard let index = Int(parts[2]), (0...Int(Int32.max)).contains(index) else { return nil }
    unitIndex = index
  }

  /// The query's `cursor`; `nil` without one.
  /// - Parameter ofUnits: Whether it is to be one of a list of SMS.
  static func given(_ query: Query, ofUnits: Bool = false) throws -> PageCursor? {
    guard let text = query.string("cursor") else { return nil }
    guard let cursor = PageCursor(text), (cursor.unitIndex != nil) == ofUnits else {
      throw APIError.invalidField("cursor", "not_valid", "Must be the next_cursor of an earlier answer")
    }
    return cursor
  }
}
