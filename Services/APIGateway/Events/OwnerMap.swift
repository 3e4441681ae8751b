import Contracts

/// Whose messages are whose, as far as it is remembered. Bounded: what nobody asked for is forgotten. Pure.
struct OwnerMap: Sendable {
  /// How long a message that was not found counts as such: the read side is seldom behind for longer.
  static let doubt = Duration.seconds(1)

  /// Half of what is remembered at most.
  private let half: Int
  private var young: [MessageID: UserID] = [:]
  private var old: [MessageID: UserID] = [:]
  private var missing: [MessageID: ContinuousClock.Instant] = [:]

  init(capacity: Int = 200_000) { half = max(1, capacity / 2) }

  var count: Int { young.count + old.count }

  mutating func note(_ id: MessageID, of user: UserID) {
    missing[id] = nil
    if young.count >= half, young[id] == nil {
      old = young
      young = [:]
    }
    young[id] = user
  }

  /// These were looked for and not found.
  mutating func noteMissing(_ ids: some Sequence<MessageID>, now: ContinuousClock.Instant) {
    if missing.count > half { missing = [:] }
    for id in ids { missing[id] = now }
  }

  mutating func owner(of id: MessageID) -> UserID? {
    if let user = young[id] { return user }
    guard let user = old[id] else { return nil }
    note(id, of: user)
    return user
  }

  /// True when it was looked for lately, in vain.
  func isMissing(_ id: MessageID, now: ContinuousClock.Instant) -> Bool {
    missing[id].map { now - $0 < Self.doubt } ?? false
  }
}
