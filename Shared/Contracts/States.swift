/// What a caller asks of the queue: a share between classes of 16 : 4 : 1.
public enum MessageClass: String, Codable, Sendable, CaseIterable, Hashable {
  case urgent, normal, bulk

  /// The class's weight in the fair queue.
  public var weight: Double {
    switch self {
    case .urgent: 16
    case .normal: 4
    case .bulk: 1
    }
  }
}

/// The state of one unit: one SMS to one recipient.
///
/// The scheduler alone changes it.
///
/// ```
/// pending → sending → sent | failed | dead | unconfirmed
///               └───→ retrying → pending      (lease expired, throttled: → pending)
/// dead | unconfirmed → pending (replay)       unconfirmed → sent | failed (late answer, settle)    dead → failed (abandon)
/// pending, retrying → expired | cancelled
/// ```
public enum UnitState: String, Codable, Sendable, CaseIterable, Hashable {
  case pending, sending, retrying, dead, unconfirmed, expired, cancelled, failed, sent

  /// The order of states within one dispatch number; see `UnitVersion`.
  public var rank: Int {
    switch self {
    case .pending: 0
    case .sending: 1
    case .retrying: 2
    case .dead: 3
    case .unconfirmed: 4
    case .expired, .cancelled: 5
    case .failed, .sent: 6
    }
  }

  /// True where nothing happens any more unless somebody asks for it.
  public var isFinal: Bool {
    switch self {
    case .pending, .sending, .retrying: false
    case .dead, .unconfirmed, .expired, .cancelled, .failed, .sent: true
    }
  }
}

/// Orders the states of one unit: readers keep the highest, so late or repeated facts move nothing back.
public enum UnitVersion {
  /// Dispatch number × 8 + rank of the state.
  public static func of(dispatch: Int, state: UnitState) -> Int { dispatch * 8 + state.rank }
}

/// The state of a whole message, derived from its units.
///
/// `paused` is a flag beside it.
public enum JobStatus: String, Codable, Sendable, CaseIterable, Hashable {
  case pending, sending, completed, partial, failed, cancelled, expired, unconfirmed
}

/// How many units of a message are in each state.
public struct UnitCounts: Codable, Sendable, Hashable {
  public var pending = 0
  public var sending = 0
  public var retrying = 0
  public var sent = 0
  public var failed = 0
  public var dead = 0
  public var expired = 0
  public var cancelled = 0
  public var unconfirmed = 0

  public init() {}

  public subscript(state: UnitState) -> Int {
    get { self[keyPath: Self.path(state)] }
    set { self[keyPath: Self.path(state)] = newValue }
  }

  public var total: Int { UnitState.allCases.reduce(0) { $0 + self[$1] } }

  /// Pending before the first dispatch; sending while anything may still happen; final as the mixture says.
  public var jobStatus: JobStatus {
    let total = total
    if pending == total { return .pending }
    if pending + sending + retrying > 0 { return .sending }
    if sent == total { return .completed }
    if failed + dead == total { return .failed }
    if cancelled == total { return .cancelled }
    if expired == total { return .expired }
    if unconfirmed == total { return .unconfirmed }
    return .partial
  }

  private static func path(_ state: UnitState) -> WritableKeyPath<UnitCounts, Int> {
    switch state {
    case .pending: \.pending
    case .sending: \.sending
    case .retrying: \.retrying
    case .sent: \.sent
    case .failed: \.failed
    case .dead: \.dead
    case .expired: \.expired
    case .cancelled: \.cancelled
    case .unconfirmed: \.unconfirmed
    }
  }
}

/// What became of one attempt at the provider.
public enum AttemptOutcome: String, Codable, Sendable, CaseIterable, Hashable {
  /// The provider took it. Not a receipt: nothing is known about delivery.
  case accepted
  /// Refused for good: the same SMS would be refused again.
  case rejected
  /// Definitely not sent, or a temporary refusal that was parsed.
  case retryable
  /// The provider said that it gets too much. Costs no attempt.
  case throttled
  /// The provider refused our credentials. Costs no attempt.
  case refusedCredentials = "refused_credentials"
  /// Anything after the first request byte without an answer that was understood.
  case unknown
}
