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
    let group = origin.address.flatMap { IPAddress($0) }?.group
    let attempt: LoginThrottle.Attempt
    switch throttle.withLockedValue({ $0.admit(username: draft.username, address: group, now: Self.now) }) {
    case .allowed(let allowed): attempt = allowed
    case .refused(let wait):
      Self.throttled.increment()
      var error = APIError(.rateLimited, "Too many logins; try again later")
      error.retryAfter = max(1, Int(wait.inSeconds.rounded(.up)))
      throw error
    }
    do {
      let session = try await check(draft, origin, context)
      throttle.withLockedValue { $0.succeeded(attempt, now: Self.now) }
      return session
    } catch let error as APIError where error.code == .unauthorized {
      Self.refused.increment()
      throw error
    } catch {
      throttle.withLockedValue { $0.giveBack(attempt, now: Self.now) }
      guard error is PasswordWorkers.Busy else { throw error }
      throw APIError.unavailable("Too many passwords are being checked")
    }
  }

  private func check(
    _ draft: LoginDraft, _ origin: SessionStore.Origin, _ context: GatewayContext
  ) async throws -> Session {
    let account = try await store.account(named: draft.username)
    let hash = account?.isActive == true ? account?.storedHash.flatMap { PasswordHash($0) } : nil
    let isRight = try await passwords.verify(draft.password, hash)
    context.auditNote?.actor = account?.principal
    // From here on it was a try, whatever becomes of it.
    context.auditNote?.add("tried", .bool(true))
    guard isRight, let account else { throw Self.refusal }
    let token = BearerSecret.make(prefix: BearerSecret.sessionPrefix)
    guard let record = try await store.begin(TokenDigest(token: token), of: account, hours: hours, origin) else {
      // Disabled, or another password, since a moment ago.
      throw Self.refusal
    }
    directory.withLockedValue { $0.add(record) }
    if hash?.isCurrent == false { await rehash(draft.password, account, context.logger) }
    return Session(token: token, record: record)
  }

  private func rehash(_ password: String, _ account: SessionStore.Account, _ logger: Logger) async {
    do {
      try await store.rehash(account, as: try await passwords.hash(of: password))
    } catch {
      // The old one works as well; the next login tries again.
      logger.info("A password was not hashed anew", metadata: [LogKey.error: "\(error)"])
    }
  }

  private static let refusal = APIError(.unauthorized, "The user name or the password is not right")

  /// Seconds since this process first looked.
  private static var now: Double { (ContinuousClock.now - clock).inSeconds }
}
