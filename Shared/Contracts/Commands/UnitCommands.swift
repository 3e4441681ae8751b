/// Marks identifiers of replays.
public enum ReplayKind {}
/// What somebody asked to be sent again at once, in one or more commands.
public typealias ReplayID = Identifier<ReplayKind>

/// Sends units again that lie in the dead letters, each only from the death that its letter was opened for.
///
/// Applied from `dead` and `unconfirmed`; anything else is refused, unit by unit, in `command.answered`. All attempts
/// count anew, and neither the message's expiry nor its pin to a provider hold, if others are given.
public struct UnitReplay: Payload {
  public static let type = MessageType.unitReplay
  /// Units in one command; more are refused as a whole (`too_many`).
  public static let unitLimit = 256

  public var replayID: ReplayID
  /// The letters as `unit.dead` told of them, so that nothing is needed that the scheduler has dropped meanwhile.
  public var units: [UnitsDead.Entry]
  /// What they go as; `bulk` when absent.
  public var messageClass: MessageClass?
  /// The only provider they go by; absent: whoever may carry their messages.
  public var provider: String?
  /// What has not been sent by then becomes `expired`; absent: never.
  public var expiresAt: Timestamp?

  public init(
    replayID: ReplayID, units: [UnitsDead.Entry], messageClass: MessageClass? = nil, provider: String? = nil,
    expiresAt: Timestamp? = nil
  ) {
    self.replayID = replayID
    self.units = units
    self.messageClass = messageClass
    self.provider = provider
    self.expiresAt = expiresAt
  }

  enum CodingKeys: String, CodingKey {
    case replayID = "replay_id"
    case units
    case messageClass = "class"
    case provider
    case expiresAt = "expires_at"
  }
}

/// Takes back what of a replay has not gone out: it is dead or unconfirmed again, and its letters are pending.
///
/// Answered with the counts: what went back by its state, and what is `sending` and still goes. Later commands of the
/// same replay are refused (`cancelled`).
public struct ReplayCancel: Payload {
  public static let type = MessageType.replayCancel
  public var replayID: ReplayID

  public init(replayID: ReplayID) { self.replayID = replayID }

  enum CodingKeys: String, CodingKey { case replayID = "replay_id" }
}

/// Says how units ended that lie in the dead letters, each only from the death that its letter was opened for.
public struct UnitSettle: Payload {
  public static let type = MessageType.unitSettle
  /// Units in one command; more are refused as a whole (`too_many`).
  public static let unitLimit = 4_096

  /// What they become.
  public enum Verdict: String, Codable, Sendable, Hashable, CaseIterable {
    /// `unconfirmed` → `sent`: the provider says that it went out.
    case sent
    /// `unconfirmed` → `failed`: the provider knows nothing of it.
    case failed
    /// `dead` → `failed`: given up.
    case abandoned
  }

  public struct Entry: Codable, Sendable, Hashable {
    public var unit: UnitID
    /// The death that the letter was opened for.
    public var dispatch: Int

    public init(unit: UnitID, dispatch: Int) {
      self.unit = unit
      self.dispatch = dispatch
    }
  }

  public var units: [Entry]
  public var verdict: Verdict

  public init(units: [Entry], verdict: Verdict) {
    self.units = units
    self.verdict = verdict
  }

  enum CodingKeys: String, CodingKey {
    case units
    case verdict = "as"
  }
}
