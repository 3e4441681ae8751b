import Contracts
import Logging
import Metrics
import NIOConcurrencyHelpers
import ServiceKit

/// Checks passwords and begins sessions.
///
/// Whoever is not let in is answered alike and after the same work, whether there is such a user, whether they are
/// disabled, and whether they have a password.
struct LoginDesk: Sendable {
  /// A session that has begun.
  struct Session: Sendable {
    /// The only time it is in clear.
    var token: String
    var record: TokenDirectory.Record
  }

  let store: SessionStore
  let passwords: PasswordWorkers
  let directory: NIOLockedValueBox<TokenDirectory>
  /// `SLUICE_SESSION_HOURS`
  let hours: Int
  let throttle = NIOLockedValueBox(LoginThrottle())

  private static let clock = ContinuousClock.now
  private static let refused = Counter(label: "sluice_gateway_logins_refused_total")
  private static let throttled = Counter(label: "sluice_gateway_logins_throttled_total")

  /// - Throws: `RATE_LIMITED` before any work, `UNAUTHORIZED`, or 503.
  func login(_ draft: LoginDraft, _ origin: SessionStore.Origin, _ context: GatewayContext) async throws -> Session {
    try await throttled(draft.username, origin.address) { try await check(draft, origin, context) }
  }

  /// Whether this is somebody's password; as slow and as limited as a login.
  /// - Throws: `RATE_LIMITED` before any work, `INVALID_FIELD` for a wrong one, or 503.
  func confirm(_ username: String, _ password: String, address: String?) async throws {
    do {
      try await throttled(username, address) {
        let hash = try await store.account(named: username)?.storedHash.flatMap { PasswordHash($0) }
        guard try await spelling(of: password, matching: hash) != nil else { throw Self.refusal }
      }
    } catch let error as APIError where error.code == .unauthorized {
      throw APIError.invalidField("current_password", "wrong", "This is not the password")
    }
  }

  /// - Throws: 503 while too many are being made.
  func hash(of password: String) async throws -> String {
    do {
      return try await passwords.hash(of: password)
    } catch is PasswordWorkers.Busy {
      throw Self.busy
    }
  }

  /// Checks a password, unless there were too many wrong ones of late.
  private func throttled<Result>(
    _ username: String, _ address: String?, _ check: () async throws -> Result
  ) async throws -> Result {
    let group = address.flatMap { IPAddress($0) }?.group
    let attempt: LoginThrottle.Attempt
    switch throttle.withLockedValue({
      $0.admit(username: PreparedUsername.compared(username), address: group, now: Self.now)
    }) {
    case .allowed(let allowed): attempt = allowed
    case .refused(let wait):
      Self.throttled.increment()
      var error = APIError(.rateLimited, "Too many logins; try again later")
      error.retryAfter = max(1, Int(wait.inSeconds.rounded(.up)))
      throw error
    }
    do {
      let result = try await check()
      throttle.withLockedValue { $0.succeeded(attempt, now: Self.now) }
      return result
    } catch let error as APIError where error.code == .unauthorized {
      Self.refused.increment()
      throw error
    } catch {
      throttle.withLockedValue { $0.giveBack(attempt, now: Self.now) }
      guard error is PasswordWorkers.Busy else { throw error }
      throw Self.busy
    }
  }

  private func check(
    _ draft: LoginDraft, _ origin: SessionStore.Origin, _ context: GatewayContext
  ) async throws -> Session {
    let account = try await store.account(named: draft.username)
    let hash = account?.isActive == true ? account?.storedHash.flatMap { PasswordHash($0) } : nil
    let right = try await spelling(of: draft.password, matching: hash)
    context.auditNote?.actor = account?.principal
    // From here on it was a try, whatever becomes of it.
    context.auditNote?.add("tried", .bool(true))
    guard let right, let account else { throw Self.refusal }
    let token = BearerSecret.make(prefix: BearerSecret.sessionPrefix)
    guard let record = try await store.begin(TokenDigest(token: token), of: account, hours: hours, origin) else {
      // Disabled, or another password, since a moment ago.
      throw Self.refusal
    }
    directory.withLockedValue { $0.add(record) }
    let prepared = PreparedPassword.mapped(draft.password)
    if hash?.isCurrent == false || !right.utf8.elementsEqual(prepared.utf8) {
      await rehash(prepared, account, context.logger)
    }
    return Session(token: token, record: record)
  }

  /// How the password that was typed is spelt in the hash; `nil` when it is another.
  ///
  /// All spellings are tried whatever is found, so that the time says nothing of the user.
  private func spelling(of password: String, matching hash: PasswordHash?) async throws -> String? {
    var found: String?
    for spelling in PreparedPassword.spellings(of: password) where try await passwords.verify(spelling, hash) {
      found = found ?? spelling
    }
    return found
  }

  private func rehash(_ password: String, _ account: SessionStore.Account, _ logger: Logger) async {
    do {
      try await store.rehash(account, as: try await passwords.hash(of: password))
    } catch {
      // The old one works as well; the next login tries again.
      logger.info("A password was not hashed anew", metadata: [LogKey.error: "\(error)"])
    }
  }

  private static let busy = APIError.unavailable("Too many passwords are being checked")
  private static let refusal = APIError(.unauthorized, "The user name or the password is not right")

  /// Seconds since this process first looked.
  private static var now: Double { (ContinuousClock.now - clock).inSeconds }
}
