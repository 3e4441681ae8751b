import Contracts

/// Whom a provider means that answers "too many", and for how long the gate closes for it. Pure.
///
/// One number's limit is no limit of the provider's. So the first refusal closes the gate for a moment only; it closes for
/// as long as the provider asked when another number, tried after that, is refused as well and nothing was accepted since.
struct ThrottleJudge: Sendable, Hashable {
  /// The last refusal that counted, as the gate's row keeps it.
  struct Memory: Sendable, Hashable {
    /// Which number, in 16 bits: enough to tell two apart, too little to find one.
    var number: Int
    /// When its answer came, by PostgreSQL's clock.
    var at: Timestamp
    /// The provider throttles everybody, until it accepts an SMS again.
    var isWide: Bool
  }

  /// One refusal.
  struct Refusal: Sendable {
    var number: Int
    /// The same SMS has been throttled before.
    var isRepeat: Bool
    /// Seconds that the provider asked for.
    var retryAfter: Double?
    var startedAt: Timestamp
    var finishedAt: Timestamp
  }

  struct Verdict: Sendable, Hashable {
    var scope: ThrottleScope
    /// Seconds from the answer on.
    var closing: Double
  }

  /// Seconds that a first refusal closes the gate at most.
  static let first = 2.0
  /// Seconds that a refusal closes the gate at most while other numbers get through.
  static let beside = 1.0
  /// Seconds that any refusal closes the gate at most.
  static let most = 300.0
  /// Refusals of two numbers within this belong together, though others were accepted: the rate is too high.
  static let together = Duration.seconds(10)
  /// A refusal that is older says nothing about the next.
  static let memory = Duration.seconds(600)

  private(set) var memory: Memory?

  init(memory: Memory?) { self.memory = memory }

  /// - Parameter lastAccepted: When the request was begun that the provider accepted last; `nil` for none that is known.
  mutating func judge(_ refusal: Refusal, lastAccepted: Timestamp?) -> Verdict {
    let asked = min(max(0, refusal.retryAfter ?? 1), Self.most)
    guard let known = memory, refusal.finishedAt - known.at < Self.memory else {
      memory = Memory(number: refusal.number, at: refusal.finishedAt, isWide: false)
      return Verdict(scope: .number, closing: min(asked, Self.first))
    }
    if let lastAccepted, lastAccepted >= known.at {
      // Others got through since: it is these numbers, or the rate.
      if refusal.isRepeat || refusal.number == known.number { return Verdict(scope: .number, closing: 0) }
      memory = Memory(number: refusal.number, at: refusal.finishedAt, isWide: false)
      let isTogether = refusal.finishedAt - known.at <= Self.together
      return Verdict(scope: isTogether ? .provider : .number, closing: min(asked, Self.beside))
    }
    if known.isWide {
      memory?.at = max(known.at, refusal.finishedAt)
      return Verdict(scope: .provider, closing: asked)
    }
    if refusal.number == known.number { return Verdict(scope: .number, closing: min(asked, Self.beside)) }
    // Both were under way together: the next one tells.
    if refusal.startedAt < known.at { return Verdict(scope: .number, closing: min(asked, Self.first)) }
    memory = Memory(number: refusal.number, at: refusal.finishedAt, isWide: true)
    return Verdict(scope: .provider, closing: asked)
  }

  /// A number in 16 bits (FNV-1a, folded).
  static func digest(of phone: String) -> Int {
    var hash: UInt32 = 2_166_136_261
    for byte in phone.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    return Int((hash >> 16) ^ (hash & 0xFFFF))
  }
}
