/// Limits how often passwords may be guessed: of a user from one address, from an address, and of a user from all addresses.
///
/// Each is a bucket of tries that fills up again within a quarter of an hour. A try is taken before the password is looked at, and
/// given back when it was right, so that guesses that come at once are all counted. Guessing at somebody from many
/// addresses empties the bucket of their name, and guessing at many users from an address empties the address's; whoever
/// logged in from there before is stopped by neither, and everybody else gets a try every few seconds, so nobody is locked
/// out for ever. Logins that are right are limited too: each costs a session and an entry of the audit. Pure; bounded.
struct LoginThrottle: Sendable {
  /// Tries at once, which come back evenly within the window.
  struct Limit: Sendable {
    var tries: Double
    var window: Duration = .seconds(900)

    var perSecond: Double { tries / window.inSeconds }
  }

  /// What tries are counted by.
  fileprivate enum Key: Hashable, Sendable {
    case pair(TokenDigest)
    case address([UInt8])
    case user(TokenDigest)
    case right(TokenDigest)
  }

  private struct Bucket: Sendable {
    /// Tries that are used up, as of then.
    var used: Double
    var at: Double
  }

  /// A try that was let through.
  struct Attempt: Sendable {
    fileprivate var keys: [Key]
    fileprivate var pair: TokenDigest
    fileprivate var user: TokenDigest
  }

  enum Verdict: Sendable {
    case allowed(Attempt)
    /// Not now.
    case refused(after: Duration)
  }

  var ofUserFromAddress = Limit(tries: 10)
  var fromAddress = Limit(tries: 30)
  var ofUser = Limit(tries: 100)
  /// Logins of a user with the right password.
  var right = Limit(tries: 60)
  /// How long an address is remembered from which a user has logged in, in seconds.
  var memory = 30 * 86_400.0
  /// Buckets and addresses that are kept.
  var capacity = 50_000

  private var buckets: [Key: Bucket] = [:]
  private var known: [TokenDigest: Double] = [:]

  init() {}

  var count: Int { buckets.count }

  /// - Parameters:
  ///   - address: The address's group; `nil` counts as one address.
  ///   - now: Seconds on a clock that never goes back.
  mutating func admit(username: String, address: [UInt8]?, now: Double) -> Verdict {
    let name = Self.folded(username)
    let user = TokenDigest(token: name)
    let address = address ?? []
    let pair = TokenDigest(token: "\(address) \(name)")
    let isKnown = known[pair].map { now - $0 < memory } ?? false
    let keys: [Key] = isKnown ? [.pair(pair)] : [.pair(pair), .address(address), .user(user)]
    let waits = (keys + [.right(user)]).map { key in
      let limit = limit(key)
      return max(0, (used(key, now) + 1 - limit.tries) / limit.perSecond)
    }
    if let longest = waits.max(), longest > 0 { return .refused(after: .seconds(longest)) }
    makeRoom(now)
    for key in keys { buckets[key] = Bucket(used: used(key, now) + 1, at: now) }
    return .allowed(Attempt(keys: keys, pair: pair, user: user))
  }

  /// The password was right: it counts as a right one alone, and the address is known from now on.
  mutating func succeeded(_ attempt: Attempt, now: Double) {
    giveBack(attempt, now: now)
    buckets[.pair(attempt.pair)] = nil
    makeRoom(now)
    let right = Key.right(attempt.user)
    buckets[right] = Bucket(used: used(right, now) + 1, at: now)
    if known.count >= capacity {
      let oldest = known.values.sorted()[known.count / 4]
      known = known.filter { $0.value > oldest }
    }
    known[attempt.pair] = now
  }

  /// Nobody looked at the password.
  mutating func giveBack(_ attempt: Attempt, now: Double) {
    for key in attempt.keys {
      let left = used(key, now) - 1
      buckets[key] = left > 0 ? Bucket(used: left, at: now) : nil
    }
  }

  private func limit(_ key: Key) -> Limit {
    switch key {
    case .pair: ofUserFromAddress
    case .address: fromAddress
    case .user: ofUser
    case .right: right
    }
  }

  /// A name as PostgreSQL's `lower()` compares it, one letter for one letter.
  private static func folded(_ username: String) -> String {
    var name = String.UnicodeScalarView()
    for scalar in username.unicodeScalars {
      // Swift makes two letters of this one: an i, and a dot above it.
      name.append(
        contentsOf: scalar == "\u{130}" ? "i".unicodeScalars : scalar.properties.lowercaseMapping.unicodeScalars)
    }
    return String(name)
  }

  private func used(_ key: Key, _ now: Double) -> Double {
    guard let bucket = buckets[key] else { return 0 }
    return max(0, bucket.used - (now - bucket.at) * limit(key).perSecond)
  }

  /// Forgets buckets that are full again and, where that is not enough, those that are the least empty.
  private mutating func makeRoom(_ now: Double) {
    guard buckets.count + 3 > capacity else { return }
    let left = buckets.keys.map { ($0, used($0, now)) }.filter { $0.1 > 0 }.sorted { $0.1 > $1.1 }
    buckets = [:]
    for (key, used) in left.prefix(capacity * 3 / 4) { buckets[key] = Bucket(used: used, at: now) }
  }
}
