/// One unit: one SMS to one recipient of a message.
public struct UnitID: Hashable, Sendable, Codable {
  public var messageID: MessageID
  /// The recipient's place in the message, from 0.
  public var index: Int

  public init(messageID: MessageID, index: Int) {
    self.messageID = messageID
    self.index = index
  }

  enum CodingKeys: String, CodingKey {
    case messageID = "message_id"
    case index
  }
}

/// One try to send a unit.
///
/// Its text is `MESSAGE/INDEX/DISPATCH`.
///
/// The dispatch number rises by one whenever the unit goes back to pending and is never reused, so an id names the same
/// attempt for ever, and every consumer can tell a repeat by it.
public struct AttemptID: Hashable, Sendable, Codable, CustomStringConvertible {
  public var unit: UnitID
  /// From 0, the first dispatch.
  public var dispatch: Int

  public init(unit: UnitID, dispatch: Int) {
    self.unit = unit
    self.dispatch = dispatch
  }

  public init(messageID: MessageID, index: Int, dispatch: Int) {
    self.init(unit: UnitID(messageID: messageID, index: index), dispatch: dispatch)
  }

  public var messageID: MessageID { unit.messageID }
  public var index: Int { unit.index }

  public var description: String { "\(unit.messageID)/\(unit.index)/\(dispatch)" }

  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, let message = MessageID(String(parts[0])), let index = Int(parts[1]), index >= 0,
      let dispatch = Int(parts[2]), dispatch >= 0
    else { return nil }
    self.init(messageID: message, index: index, dispatch: dispatch)
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let id = AttemptID(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an attempt id")
    }
    self = id
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
