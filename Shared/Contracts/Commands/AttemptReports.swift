/// How attempts ended, from a sender to the scheduler.
public struct AttemptOutcomes: Payload {
  public static let type = MessageType.attemptOutcome

  public struct Entry: Codable, Sendable, Hashable {
    public var attempt: AttemptID
    public var outcome: AttemptOutcome
    public var reply: ProviderReply?
    /// `timeout`, `connection`, `resolve`, `tls`, `connect_slow`, `cut`, `orphaned`, `http_503`, …; absent when accepted.
    public var errorCode: String?
    /// Why, in the provider's own words.
    public var reason: String?
    /// When the gate let the attempt through, by PostgreSQL's clock.
    public var claimedAt: Timestamp
    /// When the first request byte was written; absent when none was.
    public var startedAt: Timestamp?
    public var finishedAt: Timestamp
    /// How long the provider asked to be left alone.
    public var retryAfterSeconds: Double?
    /// Whom the provider throttles; absent for every other outcome.
    public var throttleScope: ThrottleScope?

    public init(
      attempt: AttemptID, outcome: AttemptOutcome, reply: ProviderReply?, errorCode: String?, reason: String? = nil,
      claimedAt: Timestamp, startedAt: Timestamp?, finishedAt: Timestamp, retryAfterSeconds: Double? = nil,
      throttleScope: ThrottleScope? = nil
    ) {
      self.attempt = attempt
      self.outcome = outcome
      self.reply = reply
      self.errorCode = errorCode
      self.reason = reason
      self.claimedAt = claimedAt
      self.startedAt = startedAt
      self.finishedAt = finishedAt
      self.retryAfterSeconds = retryAfterSeconds
      self.throttleScope = throttleScope
    }

    enum CodingKeys: String, CodingKey {
      case attempt, outcome, reply, reason
      case errorCode = "error_code"
      case claimedAt = "claimed_at"
      case startedAt = "started_at"
      case finishedAt = "finished_at"
      case retryAfterSeconds = "retry_after_s"
      case throttleScope = "throttle_scope"
    }

    /// True when no byte of the request was written: the SMS cannot have arrived, and no slot of the window was used.
    public var isUnsent: Bool { outcome == .retryable && startedAt == nil && reply == nil }
  }

  public var provider: String
  public var outcomes: [Entry]
  /// When the gate expects to open next, by PostgreSQL's clock; the scheduler issues no earlier than 50 ms before.
  public var gateOpensAt: Timestamp?

  public init(provider: String, outcomes: [Entry], gateOpensAt: Timestamp?) {
    self.provider = provider
    self.outcomes = outcomes
    self.gateOpensAt = gateOpensAt
  }

  enum CodingKeys: String, CodingKey {
    case provider, outcomes
    case gateOpensAt = "gate_opens_at"
  }
}

/// Whom a provider means that answers "too many".
public enum ThrottleScope: String, Codable, Sendable, Hashable {
  /// One number: its SMS waits, the others go on.
  case number
  /// All: the gate has been closed, and the rate is to be lowered.
  case provider
}

/// Attempts that were not sent because their lease ran out first: their units go back, no attempt is counted.
public struct SendsExpired: Payload {
  public static let type = MessageType.sendExpired

  public var provider: String
  public var attempts: [AttemptID]
  /// When the gate expects to open next, by PostgreSQL's clock.
  public var gateOpensAt: Timestamp?

  public init(provider: String, attempts: [AttemptID], gateOpensAt: Timestamp?) {
    self.provider = provider
    self.attempts = attempts
    self.gateOpensAt = gateOpensAt
  }

  enum CodingKeys: String, CodingKey {
    case provider, attempts
    case gateOpensAt = "gate_opens_at"
  }
}
