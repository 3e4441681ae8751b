import Contracts
import Metering

/// How many requests one replica takes a second: of each user, and of all together.
///
/// It protects the API alone. A provider's limit never refuses a request, it queues it.
struct RequestBudget: Sendable {
  /// What is left of one limit after a request.
  struct Standing: Sendable, Equatable {
    /// Requests a second.
    var quota: Int
    var remaining: Int
  }

  /// What one request was told.
  struct Verdict: Sendable, Equatable {
    enum Limit: String, Sendable { case user, all }

    var user: Standing
    var all: Standing
    /// The limit that refused it.
    var exceeded: Limit?
  }

  /// Requests a second of all users.
  let rate: Int
  /// Requests a second of a user who has no limit of their own.
  let userRate: Int

  /// Commands a second of each user.
  let commandRate: Int

  private var all: TokenBucket
  private var users: [UserID: TokenBucket] = [:]
  private var commands: [UserID: TokenBucket] = [:]
  /// Full buckets are forgotten when there are this many.
  private var pruneAt = 1_024

  /// Users who have asked lately.
  var knownUsers: Int { users.count }

  /// - Parameter now: Seconds of any one clock.
  init(rate: Int, userRate: Int, commandRate: Int, now: Double) {
    self.rate = rate
    self.userRate = userRate
    self.commandRate = commandRate
    all = TokenBucket(count: Double(rate), window: 1, startsFull: true, now: now)
  }

  /// Counts a request, unless it is refused: then it costs nothing.
  /// - Parameters:
  ///   - cost: How many requests it counts for; at most a second's worth of the user's.
  ///   - isFirst: An admin, whom the others' requests do not keep from stopping them.
  mutating func take(_ user: UserID, ownRate: Int?, cost: Int = 1, isFirst: Bool = false, now: Double) -> Verdict {
    let quota = ownRate ?? userRate
    var bucket = users[user] ?? TokenBucket(count: Double(quota), window: 1, startsFull: true, now: now)
    if bucket.count != Double(quota) { bucket.set(count: Double(quota), window: 1, now: now) }
    var exceeded: Verdict.Limit?
    let cost = Double(min(cost, quota))
    if !bucket.take(cost, now: now) {
      exceeded = .user
    } else if !all.take(1, now: now), !isFirst {
      bucket.giveBack(cost)
      exceeded = .all
    }
    users[user] = bucket
    if users.count >= pruneAt { prune(now) }
    return Verdict(
      user: Standing(quota: quota, remaining: Int(bucket.held(now: now))),
      all: Standing(quota: rate, remaining: Int(all.held(now: now))), exceeded: exceeded)
  }

  /// Counts a command of a user, beside the request that it comes with.
  /// - Returns: What is left, and whether it is within the limit.
  mutating func takeCommand(_ user: UserID, now: Double) -> (standing: Standing, isAdmitted: Bool) {
    var bucket =
      commands[user] ?? TokenBucket(count: Double(commandRate), window: 1, startsFull: true, now: now)
    let isAdmitted = bucket.take(1, now: now)
    commands[user] = bucket
    return (Standing(quota: commandRate, remaining: Int(bucket.held(now: now))), isAdmitted)
  }

  /// A full bucket is as good as none. Every command comes with a request, so there are never more of their buckets.
  private mutating func prune(_ now: Double) {
    users = users.filter { $0.value.held(now: now) < $0.value.count }
    commands = commands.filter { $0.value.held(now: now) < $0.value.count }
    pruneAt = max(1_024, users.count * 2)
  }
}
