/// Units that were given to a sender.
public struct UnitsDispatched: Payload {
  public static let type = MessageType.unitDispatched

  public struct Entry: Codable, Sendable, Hashable {
    public var attempt: AttemptID
    public var provider: String

    public init(attempt: AttemptID, provider: String) {
      self.attempt = attempt
      self.provider = provider
    }
  }

  public var units: [Entry]
  public var dispatchedAt: Timestamp

  public init(units: [Entry], dispatchedAt: Timestamp) {
    self.units = units
    self.dispatchedAt = dispatchedAt
  }

  enum CodingKeys: String, CodingKey {
    case units
    case dispatchedAt = "dispatched_at"
  }
}

/// What a provider answered, cut to 2 KiB.
public struct ProviderReply: Codable, Sendable, Hashable {
  /// The HTTP status; absent when no answer came.
  public var status: Int?
  public var body: String

  public init(status: Int?, body: String) {
    self.status = status
    self.body = body
  }

  /// How much of it the facts about every SMS tell; a letter has all that is kept.
  public static let briefBytes = 256

  /// Its beginning, at most `briefBytes`, cut between two characters.
  public var brief: ProviderReply {
    guard body.utf8.count > Self.briefBytes else { return self }
    var end = body.startIndex
    var size = 0
    while end < body.endIndex {
      let next = body.index(after: end)
      size += body.utf8.distance(from: end, to: next)
      guard size <= Self.briefBytes else { break }
      end = next
    }
    return ProviderReply(status: status, body: String(body[..<end]))
  }
}

/// A unit's new state, with the attempt that led to it.
public struct UnitChange: Codable, Sendable, Hashable {
  /// The attempt whose end this is; its dispatch number belongs to the version. A unit that goes back to pending shows
  /// the next dispatch number in `nextDispatch`.
  public var attempt: AttemptID
  public var state: UnitState
  /// The dispatch number that `state` belongs to: the attempt's own, or the next one for `pending`.
  public var dispatch: Int
  /// Attempts that counted against `max_attempts`.
  public var attemptsUsed: Int
  public var provider: String?
  public var outcome: AttemptOutcome?
  public var reply: ProviderReply?
  public var errorCode: String?
  public var errorMessage: String?
  /// When the request's first byte was written, by the sender; absent when none was.
  public var startedAt: Timestamp?
  public var finishedAt: Timestamp
  /// For `retrying`: when it becomes pending again.
  public var dueAt: Timestamp?
  /// True when an SMS of unknown outcome is sent again: it may arrive twice.
  public var mayBeDuplicate: Bool?

  public init(
    attempt: AttemptID, state: UnitState, dispatch: Int, attemptsUsed: Int, provider: String?,
    outcome: AttemptOutcome? = nil, reply: ProviderReply? = nil, errorCode: String? = nil, errorMessage: String? = nil,
    startedAt: Timestamp? = nil, finishedAt: Timestamp, dueAt: Timestamp? = nil, mayBeDuplicate: Bool? = nil
  ) {
    self.attempt = attempt
    self.state = state
    self.dispatch = dispatch
    self.attemptsUsed = attemptsUsed
    self.provider = provider
    self.outcome = outcome
    self.reply = reply
    self.errorCode = errorCode
    self.errorMessage = errorMessage
    self.startedAt = startedAt
    self.finishedAt = finishedAt
    self.dueAt = dueAt
    self.mayBeDuplicate = mayBeDuplicate
  }

  /// Readers keep the change with the highest version; see `UnitVersion`.
  public var version: Int { UnitVersion.of(dispatch: dispatch, state: state) }

  enum CodingKeys: String, CodingKey {
    case attempt, state, dispatch, provider, outcome, reply
    case attemptsUsed = "attempts_used"
    case errorCode = "error_code"
    case errorMessage = "error_message"
    case startedAt = "started_at"
    case finishedAt = "finished_at"
    case dueAt = "due_at"
    case mayBeDuplicate = "may_be_duplicate"
  }
}

/// Units whose state changed other than by being dispatched.
public struct UnitsChanged: Payload {
  public static let type = MessageType.unitChanged

  public var units: [UnitChange]

  public init(units: [UnitChange]) { self.units = units }
}

/// Units that exhausted their attempts, or are on hold as unconfirmed: each with all that a replay needs.
public struct UnitsDead: Payload {
  public static let type = MessageType.unitDead

  /// One attempt of a dead unit.
  public struct Attempt: Codable, Sendable, Hashable {
    public var dispatch: Int
    public var provider: String
    public var outcome: AttemptOutcome
    public var reply: ProviderReply?
    public var errorCode: String?
    public var startedAt: Timestamp?
    public var finishedAt: Timestamp

    public init(
      dispatch: Int, provider: String, outcome: AttemptOutcome, reply: ProviderReply?, errorCode: String?,
      startedAt: Timestamp?, finishedAt: Timestamp
    ) {
      self.dispatch = dispatch
      self.provider = provider
      self.outcome = outcome
      self.reply = reply
      self.errorCode = errorCode
      self.startedAt = startedAt
      self.finishedAt = finishedAt
    }

    enum CodingKeys: String, CodingKey {
      case dispatch, provider, outcome, reply
      case errorCode = "error_code"
      case startedAt = "started_at"
      case finishedAt = "finished_at"
    }
  }

  public struct Entry: Codable, Sendable, Hashable {
    public var unit: UnitID
    /// The dispatch number of the last attempt: the same death reported twice has the same number.
    public var dispatch: Int
    /// `dead` or `unconfirmed`.
    public var state: UnitState
    /// `timeout`, `connection`, `throttled`, `rejected`, `unconfirmed`, `provider_error`, …
    public var errorType: String
    public var errorMessage: String?
    public var userID: UserID
    public var messageClass: MessageClass
    public var phone: String
    public var content: String
    public var segments: Int
    /// `gsm7` or `ucs2`.
    public var encoding: String
    /// The provider the message is pinned to, if any.
    public var pinnedProvider: String?
    /// The only ones that may carry the message, sorted; `nil` for all.
    public var providers: [String]?
    public var reference: String?
    public var attemptsUsed: Int
    public var maxAttempts: Int
    public var attempts: [Attempt]
    public var acceptedAt: Timestamp
    public var diedAt: Timestamp

    public init(
      unit: UnitID, dispatch: Int, state: UnitState, errorType: String, errorMessage: String?, userID: UserID,
      messageClass: MessageClass, phone: String, content: String, segments: Int, encoding: String,
      pinnedProvider: String?, providers: [String]? = nil, reference: String?, attemptsUsed: Int, maxAttempts: Int,
      attempts: [Attempt],
      acceptedAt: Timestamp, diedAt: Timestamp
    ) {
      self.unit = unit
      self.dispatch = dispatch
      self.state = state
      self.errorType = errorType
      self.errorMessage = errorMessage
      self.userID = userID
      self.messageClass = messageClass
      self.phone = phone
      self.content = content
      self.segments = segments
      self.encoding = encoding
      self.pinnedProvider = pinnedProvider
      self.providers = providers
      self.reference = reference
      self.attemptsUsed = attemptsUsed
      self.maxAttempts = maxAttempts
      self.attempts = attempts
      self.acceptedAt = acceptedAt
      self.diedAt = diedAt
    }

    enum CodingKeys: String, CodingKey {
      case unit, dispatch, state, phone, content, segments, encoding, providers, reference, attempts
      case errorType = "error_type"
      case errorMessage = "error_message"
      case userID = "user_id"
      case messageClass = "class"
      case pinnedProvider = "pinned_provider"
      case attemptsUsed = "attempts_used"
      case maxAttempts = "max_attempts"
      case acceptedAt = "accepted_at"
      case diedAt = "died_at"
    }
  }

  public var units: [Entry]

  public init(units: [Entry]) { self.units = units }
}
