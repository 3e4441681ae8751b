/// A user or their tokens changed; every gateway replica reads them anew.
public struct UserChanged: Payload {
  public static let type = MessageType.userChanged

  public var userID: UserID
  public var isActive: Bool
  public var weight: Double

  public init(userID: UserID, isActive: Bool, weight: Double) {
    self.userID = userID
    self.isActive = isActive
    self.weight = weight
  }

  enum CodingKeys: String, CodingKey {
    case userID = "user_id"
    case isActive = "is_active"
    case weight
  }
}

/// What a service did with a command; the gateway that sent it waits for this on the stream.
public struct CommandAnswered: Payload {
  public static let type = MessageType.commandAnswered

  /// How it ended.
  public enum Result: String, Codable, Sendable, Hashable {
    case done, refused
  }

  /// The envelope id of the command.
  public var commandID: EnvelopeID
  public var command: MessageType
  public var result: Result
  /// Why it was refused: a stable code, `not_supported`, `not_found`, `wrong_state`, ….
  public var reason: String?
  public var counts: UnitCounts?

  public init(
    commandID: EnvelopeID, command: MessageType, result: Result, reason: String? = nil, counts: UnitCounts? = nil
  ) {
    self.commandID = commandID
    self.command = command
    self.result = result
    self.reason = reason
    self.counts = counts
  }

  enum CodingKeys: String, CodingKey {
    case commandID = "command_id"
    case command, result, reason, counts
  }
}
