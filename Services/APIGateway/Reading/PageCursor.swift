import Contracts

/// Where a list goes on: behind this message, newest first. Opaque to callers.
struct PageCursor: Sendable, Equatable {
  var acceptedAt: Timestamp
  var messageID: MessageID

  init(acceptedAt: Timestamp, messageID: MessageID) {
    self.acceptedAt = acceptedAt
    self.messageID = messageID
  }

  var text: String { "\(String(acceptedAt.microseconds, radix: 36)).\(messageID)" }

  init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let microseconds = Int64(parts[0], radix: 36), let id = MessageID(String(parts[1])),
      (0...4_102_444_800_000_000).contains(microseconds)
    else { return nil }
    acceptedAt = Timestamp(microseconds: microseconds)
    messageID = id
  }
}
