/// A user or their tokens changed; every gateway replica reads them anew.
public struct UserChanged: Payload {
  public static let type = MessageType.userChanged

  /// What an admin allows them; `nil` is no limit.
  public struct Limits: Codable, Sendable, Hashable {
    /// The most urgent class they may use.
    public var maxClass: MessageClass?
    /// SMS a calendar day.
    public var dailyLimit: Int?
    /// Requests a second to each replica.
    public var apiRate: Int?
    /// The only ones that may carry their SMS.
    public var providers: [String]?

    public init(
      maxClass: MessageClass? = nil, dailyLimit: Int? = nil, apiRate: Int? = nil, providers: [String]? = nil
    ) {
      self.maxClass = maxClass
      self.dailyLimit = dailyLimit
      self.apiRate = apiRate
      self.providers = providers
    }

    enum CodingKeys: String, CodingKey {
      case maxClass = "max_class"
      case dailyLimit = "daily_limit"
      case apiRate = "api_rate"
      case providers
    }
  }

  public var userID: UserID
  /// False also for one who was deleted.
  public var isActive: Bool
  public var weight: Double
  /// `nil` from releases that did not say so.
  public var isAdmin: Bool?
  /// `nil` from releases that did not say so.
  public var limits: Limits?
  /// True when all their logins have ended.
  public var endsSessions: Bool?
  /// Tokens and logins that have ended: SHA-256 in hexadecimal digits.
  public var endedTokens: [String]?

  public init(
    userID: UserID, isActive: Bool, weight: Double, isAdmin: Bool? = nil, limits: Limits? = nil,
    endsSessions: Bool? = nil, endedTokens: [String]? = nil
  ) {
    self.endsSessions = endsSessions
    self.endedTokens = endedTokens
    self.userID = userID
    self.isActive = isActive
    self.weight = weight
    self.isAdmin = isAdmin
    self.limits = limits
  }

  enum CodingKeys: String, CodingKey {
    case userID = "user_id"
    case isActive = "is_active"
    case weight
    case isAdmin = "is_admin"
    case limits
    case endsSessions = "ends_sessions"
    case endedTokens = "ended_tokens"
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
  /// For commands about single units: those that it did not apply to.
  public var refusals: [Refusal]?

  /// A unit that a command did not apply to.
  public struct Refusal: Codable, Sendable, Hashable {
    public var unit: UnitID
    /// A stable code: `wrong_state` (also when somebody else was first), `not_found`, `provider_not_allowed`, ….
    public var reason: String

    public init(unit: UnitID, reason: String) {
      self.unit = unit
      self.reason = reason
    }
  }

  /// For commands about dead letters: what it came to.
  public var letters: LetterCounts?

  /// What a command about dead letters came to.
  public struct LetterCounts: Codable, Sendable, Hashable {
    /// Letters that it applied to.
    public var applied: Int
    /// Letters that it was about and that the scheduler would not have it for, or that were not `pending`.
    public var refused: Int
    /// Segments of what goes again.
    public var segments: Int?
    /// The replay that was begun, or that runs already.
    public var replayID: ReplayID?
    /// True when an equal replay runs already, so that nothing was done.
    public var isRunning: Bool?

    public init(
      applied: Int, refused: Int = 0, segments: Int? = nil, replayID: ReplayID? = nil, isRunning: Bool? = nil
    ) {
      self.applied = applied
      self.refused = refused
      self.segments = segments
      self.replayID = replayID
      self.isRunning = isRunning
    }

    enum CodingKeys: String, CodingKey {
      case applied, refused, segments
      case replayID = "replay_id"
      case isRunning = "running"
    }
  }

  public init(
    commandID: EnvelopeID, command: MessageType, result: Result, reason: String? = nil, counts: UnitCounts? = nil,
    refusals: [Refusal]? = nil, letters: LetterCounts? = nil
  ) {
    self.letters = letters
    self.commandID = commandID
    self.command = command
    self.result = result
    self.reason = reason
    self.counts = counts
    self.refusals = refusals
  }

  enum CodingKeys: String, CodingKey {
    case commandID = "command_id"
    case command, result, reason, counts, refusals, letters
  }
}
