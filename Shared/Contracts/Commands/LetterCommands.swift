/// Which dead letters a command is about.
///
/// Either the letters with these ids, or all that fit every filter given; of those only letters that are `pending`,
/// the oldest first.
public struct LetterSelection: Codable, Sendable, Hashable {
  /// Ids in one command; more are refused as a whole (`too_many`).
  public static let idLimit = 10_000
  /// Letters that one command can apply to, and does when it sets no limit.
  public static let limit = 100_000

  public var ids: [EnvelopeID]?
  public var errorType: String?
  /// Of the last attempt.
  public var provider: String?
  public var userID: UserID?
  public var messageID: MessageID?
  /// Letters opened from this time on.
  public var from: Timestamp?
  /// Letters opened before this time.
  public var to: Timestamp?
  /// At most so many.
  public var limit: Int?

  public init(
    ids: [EnvelopeID]? = nil, errorType: String? = nil, provider: String? = nil, userID: UserID? = nil,
    messageID: MessageID? = nil, from: Timestamp? = nil, to: Timestamp? = nil, limit: Int? = nil
  ) {
    self.ids = ids
    self.errorType = errorType
    self.provider = provider
    self.userID = userID
    self.messageID = messageID
    self.from = from
    self.to = to
    self.limit = limit
  }

  /// The SMS that a replay of these letters applies to; `nil` for all.
  ///
  /// Of an `unconfirmed` SMS nobody knows whether it arrived, so it goes again only when its letter is named: by its id,
  /// or by the error type.
  public var replayedState: UnitState? { ids != nil || errorType == UnitState.unconfirmed.rawValue ? nil : .dead }

  enum CodingKeys: String, CodingKey {
    case ids, provider, from, to, limit
    case errorType = "error_type"
    case userID = "user_id"
    case messageID = "message_id"
  }
}

/// Who asks for something to be done with dead letters, and why: kept with what was done.
public struct LetterActor: Codable, Sendable, Hashable {
  /// `nil` for somebody at the service's own command line.
  public var userID: UserID?
  public var name: String
  public var reason: String?

  public init(userID: UserID?, name: String, reason: String? = nil) {
    self.userID = userID
    self.name = name
    self.reason = reason
  }

  enum CodingKeys: String, CodingKey {
    case name, reason
    case userID = "user_id"
  }
}

/// Sends the SMS of letters again, through the same queue and meter as everything else.
///
/// Answered as soon as the letters are `replaying`. While an equal replay runs, nothing is done, and the answer says so
/// (`LetterCounts.isRunning`).
public struct DeadLetterReplay: Payload {
  public static let type = MessageType.deadLetterReplay
  public var selection: LetterSelection
  /// What they go as; `bulk` when absent.
  public var messageClass: MessageClass?
  /// The only provider they go by; absent: whoever may carry their messages.
  public var provider: String?
  /// What has not been sent by then becomes `expired`; absent: never.
  public var expiresAt: Timestamp?
  public var actor: LetterActor

  public init(
    selection: LetterSelection, messageClass: MessageClass? = nil, provider: String? = nil,
    expiresAt: Timestamp? = nil, actor: LetterActor
  ) {
    self.selection = selection
    self.messageClass = messageClass
    self.provider = provider
    self.expiresAt = expiresAt
    self.actor = actor
  }

  enum CodingKeys: String, CodingKey {
    case selection, provider, actor
    case messageClass = "class"
    case expiresAt = "expires_at"
  }
}

/// Takes back what of a replay has not gone out; those letters are `pending` again. Answered when the scheduler has
/// done it.
public struct DeadLetterCancel: Payload {
  public static let type = MessageType.deadLetterCancel
  public var replayID: ReplayID
  public var actor: LetterActor

  public init(replayID: ReplayID, actor: LetterActor) {
    self.replayID = replayID
    self.actor = actor
  }

  enum CodingKeys: String, CodingKey {
    case replayID = "replay_id"
    case actor
  }
}

/// Gives up the `dead` SMS of letters: they are `failed`. Answered when the scheduler has done it.
public struct DeadLetterAbandon: Payload {
  public static let type = MessageType.deadLetterAbandon
  public var selection: LetterSelection
  public var actor: LetterActor

  public init(selection: LetterSelection, actor: LetterActor) {
    self.selection = selection
    self.actor = actor
  }
}

/// Says of the `unconfirmed` SMS of letters whether they went out. Answered when the scheduler has done it.
public struct DeadLetterSettle: Payload {
  public static let type = MessageType.deadLetterSettle

  /// What the provider said.
  public enum Verdict: String, Codable, Sendable, Hashable, CaseIterable {
    case sent, failed
  }

  public var selection: LetterSelection
  public var verdict: Verdict
  public var actor: LetterActor

  public init(selection: LetterSelection, verdict: Verdict, actor: LetterActor) {
    self.selection = selection
    self.verdict = verdict
    self.actor = actor
  }

  enum CodingKeys: String, CodingKey {
    case selection, actor
    case verdict = "as"
  }
}

/// Sends a poison message back to the queue it came from, as it was or mended.
public struct PoisonReturn: Payload {
  public static let type = MessageType.poisonReturn
  public var letterID: EnvelopeID
  /// The mended message, whole; absent: as it was. Refused (`invalid_body`) when it is not of the contract.
  public var body: String?
  public var actor: LetterActor

  public init(letterID: EnvelopeID, body: String? = nil, actor: LetterActor) {
    self.letterID = letterID
    self.body = body
    self.actor = actor
  }

  enum CodingKeys: String, CodingKey {
    case letterID = "letter_id"
    case body, actor
  }
}

/// Gives up a poison message.
public struct PoisonDrop: Payload {
  public static let type = MessageType.poisonDrop
  public var letterID: EnvelopeID
  public var actor: LetterActor

  public init(letterID: EnvelopeID, actor: LetterActor) {
    self.letterID = letterID
    self.actor = actor
  }

  enum CodingKeys: String, CodingKey {
    case letterID = "letter_id"
    case actor
  }
}
