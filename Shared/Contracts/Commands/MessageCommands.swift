/// What a command about messages is aimed at: one message, or everything of one user that is not final.
public enum CommandTarget: Sendable, Hashable {
  case message(MessageID)
  case user(UserID)
}

extension CommandTarget: Codable {
  enum CodingKeys: String, CodingKey {
    case messageID = "message_id"
    case userID = "user_id"
  }

  /// Exactly one of the two fields must be there.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let message = try container.decodeIfPresent(MessageID.self, forKey: .messageID)
    let user = try container.decodeIfPresent(UserID.self, forKey: .userID)
    switch (message, user) {
    case (let message?, nil): self = .message(message)
    case (nil, let user?): self = .user(user)
    case (nil, nil), (_?, _?):
      throw DecodingError.dataCorruptedError(
        forKey: .messageID, in: container, debugDescription: "either message_id or user_id")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    switch self {
    case .message(let message): try container.encode(message, forKey: .messageID)
    case .user(let user): try container.encode(user, forKey: .userID)
    }
  }
}

/// Sends nothing more of the target. Answered with the counts after it: at most what is `sending` still goes.
///
/// A command for a message that is not known yet is kept for 24 h and applied when the message arrives.
public struct MessageCancel: Payload {
  public static let type = MessageType.messageCancel
  public var target: CommandTarget

  public init(target: CommandTarget) { self.target = target }
  public init(from decoder: any Decoder) throws { target = try CommandTarget(from: decoder) }
  public func encode(to encoder: any Encoder) throws { try target.encode(to: encoder) }
}

/// Holds the target back until `message.resume`. For a user also what is accepted later.
public struct MessagePause: Payload {
  public static let type = MessageType.messagePause
  public var target: CommandTarget

  public init(target: CommandTarget) { self.target = target }
  public init(from decoder: any Decoder) throws { target = try CommandTarget(from: decoder) }
  public func encode(to encoder: any Encoder) throws { try target.encode(to: encoder) }
}

/// Lets the target go on, each message at its old place. Messages that were paused one by one stay so when their user
/// is resumed.
public struct MessageResume: Payload {
  public static let type = MessageType.messageResume
  public var target: CommandTarget

  public init(target: CommandTarget) { self.target = target }
  public init(from decoder: any Decoder) throws { target = try CommandTarget(from: decoder) }
  public func encode(to encoder: any Encoder) throws { try target.encode(to: encoder) }
}

/// Sends the failed, dead and expired units of a message again, with all their attempts. It lifts the expiry.
public struct MessageRetryFailed: Payload {
  public static let type = MessageType.messageRetryFailed
  public var messageID: MessageID

  public init(messageID: MessageID) { self.messageID = messageID }

  enum CodingKeys: String, CodingKey { case messageID = "message_id" }
}
