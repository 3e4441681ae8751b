/// Messages that were cancelled. Units that had been dispatched before are told of one by one, in `unit.changed`.
public struct MessagesCancelled: Payload {
  public static let type = MessageType.messageCancelled
  public var messages: [CutMessage]

  public init(messages: [CutMessage]) { self.messages = messages }
}

/// Messages that expired. Units that had been dispatched before are told of one by one, in `unit.changed`.
public struct MessagesExpired: Payload {
  public static let type = MessageType.messageExpired
  public var messages: [CutMessage]

  public init(messages: [CutMessage]) { self.messages = messages }
}

/// A message whose end was cut off before it was dispatched.
public struct CutMessage: Codable, Sendable, Hashable {
  public var messageID: MessageID
  /// Units from this index on were never dispatched: they are `cancelled` or `expired` now, at dispatch number 0. The
  /// message's total when there were none.
  public var fromIndex: Int
  public var total: Int
  public var at: Timestamp

  public init(messageID: MessageID, fromIndex: Int, total: Int, at: Timestamp) {
    self.messageID = messageID
    self.fromIndex = fromIndex
    self.total = total
    self.at = at
  }

  enum CodingKeys: String, CodingKey {
    case messageID = "message_id"
    case fromIndex = "from_index"
    case total, at
  }
}

/// Messages, or all of one user's, that are held back from now on. Of pause and resume the latest is in force.
public struct MessagesPaused: Payload {
  public static let type = MessageType.messagePaused
  public var targets: [CommandTarget]
  public var changedAt: Timestamp

  public init(targets: [CommandTarget], changedAt: Timestamp) {
    self.targets = targets
    self.changedAt = changedAt
  }

  enum CodingKeys: String, CodingKey {
    case targets
    case changedAt = "changed_at"
  }
}

/// Messages, or all of one user's, that go on.
public struct MessagesResumed: Payload {
  public static let type = MessageType.messageResumed
  public var targets: [CommandTarget]
  public var changedAt: Timestamp

  public init(targets: [CommandTarget], changedAt: Timestamp) {
    self.targets = targets
    self.changedAt = changedAt
  }

  enum CodingKeys: String, CodingKey {
    case targets
    case changedAt = "changed_at"
  }
}
