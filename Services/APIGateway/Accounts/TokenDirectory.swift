import Contracts

/// All tokens that work, in memory: who they belong to is known even while the database is away.
struct TokenDirectory: Sendable {
  /// A token as the database has it, with its user.
  struct Record: Sendable {
    var digest: TokenDigest
    var principal: Principal
    var expiresAt: Timestamp?
    /// Neither the token revoked nor its user disabled.
    var isUsable: Bool
  }

  private var records: [TokenDigest: Record] = [:]
  /// True as soon as the tokens have been read once.
  private(set) var isLoaded = false

  /// How many tokens work, but for expiry.
  var count: Int { records.count }

  /// These are all there are.
  mutating func replaceAll(_ all: [Record]) {
    records.removeAll(keepingCapacity: true)
    isLoaded = true
    apply(all)
  }

  /// These have changed.
  mutating func apply(_ changed: [Record]) {
    for record in changed { records[record.digest] = record.isUsable ? record : nil }
  }

  /// A user has changed; new tokens of theirs come with the next reading.
  mutating func apply(_ change: UserChanged) {
    for (digest, record) in records where record.principal.userID == change.userID {
      if change.isActive { records[digest]?.principal.weight = change.weight } else { records[digest] = nil }
    }
  }

  /// True when a token of this user works, but for expiry.
  func knows(_ user: UserID) -> Bool { records.values.contains { $0.principal.userID == user } }

  /// The names of those among these users who have a token.
  func usernames(of users: Set<UserID>) -> [UserID: String] {
    var names: [UserID: String] = [:]
    for record in records.values where users.contains(record.principal.userID) {
      names[record.principal.userID] = record.principal.username
    }
    return names
  }

  /// Whose token it is; `nil` when it does not work.
  func principal(for digest: TokenDigest, at now: Timestamp) -> Principal? {
    guard let record = records[digest] else { return nil }
    if let expiresAt = record.expiresAt, expiresAt <= now { return nil }
    return record.principal
  }
}
