import Contracts

/// All tokens that work, in memory: who they belong to is known even while the database is away.
struct TokenDirectory: Sendable {
  /// What a token is.
  enum Kind: Sendable, Hashable {
    /// Made by an admin, with a name.
    case named
    /// Made by a login.
    case session
  }

  /// A token as the database has it, with its user.
  struct Record: Sendable {
    var digest: TokenDigest
    var principal: Principal
    var expiresAt: Timestamp?
    /// Neither the token revoked nor its user disabled.
    var isUsable: Bool
    var kind = Kind.named
  }

  private var records: [TokenDigest: Record] = [:]
  /// What was changed here since a reading began, which does not know it: `nil` for what is gone.
  private var changes: [TokenDigest: Record?] = [:]
  /// When tokens were last used, since somebody last asked.
  private var uses: [TokenDigest: Timestamp] = [:]
  /// True as soon as the tokens have been read once.
  private(set) var isLoaded = false

  /// How many tokens work, but for expiry.
  var count: Int { records.count }

  // MARK: Readings

  /// The database is going to be asked: what changes here from now on is newer than the answer.
  mutating func beginReading() { changes.removeAll() }

  /// These are all there are.
  mutating func replaceAll(_ all: [Record]) {
    records.removeAll(keepingCapacity: true)
    isLoaded = true
    apply(all)
  }

  /// These have changed, and these are gone.
  mutating func apply(_ changed: [Record], gone: [TokenDigest] = []) {
    for record in changed { records[record.digest] = record.isUsable ? record : nil }
    for digest in gone { records[digest] = nil }
    for (digest, record) in changes { records[digest] = record }
  }

  // MARK: Changes by this replica and by facts

  /// A new token, which works at once.
  mutating func add(_ record: Record) {
    records[record.digest] = record
    changes[record.digest] = .some(record)
  }

  /// A token that works no more.
  mutating func remove(_ digest: TokenDigest) {
    records[digest] = nil
    changes[digest] = .some(nil)
  }

  /// A user has changed; new tokens of theirs come with the next reading.
  mutating func apply(_ change: UserChanged) {
    for text in change.endedTokens ?? [] { if let digest = TokenDigest(text: text) { remove(digest) } }
    for (digest, record) in records where record.principal.userID == change.userID {
      guard change.isActive, !(change.endsSessions == true && record.kind == .session) else {
        remove(digest)
        continue
      }
      records[digest]?.principal.weight = change.weight
      if let isAdmin = change.isAdmin { records[digest]?.principal.isAdmin = isAdmin }
      if let limits = change.limits { records[digest]?.principal.limits = UserLimits(limits) }
    }
  }

  // MARK: Asking

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

  /// The weights of those among these users who have a token.
  func weights(of users: Set<UserID>) -> [UserID: Double] {
    var weights: [UserID: Double] = [:]
    for record in records.values where users.contains(record.principal.userID) {
      weights[record.principal.userID] = record.principal.weight
    }
    return weights
  }

  /// The token's record; `nil` when it does not work.
  func record(for digest: TokenDigest, at now: Timestamp) -> Record? {
    guard let record = records[digest] else { return nil }
    if let expiresAt = record.expiresAt, expiresAt <= now { return nil }
    return record
  }

  /// Whose token it is; `nil` when it does not work.
  func principal(for digest: TokenDigest, at now: Timestamp) -> Principal? { record(for: digest, at: now)?.principal }

  /// The same, and notes that it was used.
  mutating func use(_ digest: TokenDigest, at now: Timestamp) -> Record? {
    guard let record = record(for: digest, at: now) else { return nil }
    uses[digest] = now
    return record
  }

  /// When tokens were last used since the last call, by kind.
  mutating func takeUses() -> [Kind: [TokenDigest: Timestamp]] {
    defer { uses.removeAll(keepingCapacity: true) }
    var taken: [Kind: [TokenDigest: Timestamp]] = [:]
    for (digest, time) in uses { taken[records[digest]?.kind ?? .named, default: [:]][digest] = time }
    return taken
  }
}

extension UserLimits {
  /// As a fact tells them.
  init(_ limits: UserChanged.Limits) {
    self.init(
      maxClass: limits.maxClass, dailyLimit: limits.dailyLimit, requestRate: limits.apiRate, providers: limits.providers
    )
  }
}
