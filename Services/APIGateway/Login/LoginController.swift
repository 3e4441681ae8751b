import Contracts
import HTTPTypes
import Hummingbird
import NIOCore

/// Lets people in by a password, and out again.
struct LoginController: Sendable {
  let authenticator: Authenticator
  let desk: LoginDesk
  let announcer: UserAnnouncer
  let addresses: ClientAddress
  let daily: DailyUse
  /// Whoever logs in is nobody yet, so little is read.
  private let reader: BodyReader

  /// - Parameter bodyTimeout: How long a caller may take to send a body.
  init(
    authenticator: Authenticator, desk: LoginDesk, announcer: UserAnnouncer, addresses: ClientAddress,
    daily: DailyUse, bodyTimeout: TimeAmount
  ) {
    self.authenticator = authenticator
    self.desk = desk
    self.announcer = announcer
    self.addresses = addresses
    self.daily = daily
    reader = BodyReader(limit: 16 * 1024, timeout: bodyTimeout)
  }

  var routes: [Route] {
    var begin = Route(.post, "/api/auth/login") { try await self.login($0, $1) }
    begin.audit = .login
    var end = Route(.post, "/api/auth/logout") { try await self.logout($0, $1) }
    end.audit = .logout
    return [
      begin, end,
      .user(.get, "/api/auth/me", authenticator) { request, _, principal in
        _ = try Query(request, allowing: [])
        let used = principal.limits.dailyLimit == nil ? nil : await daily.used(by: principal.userID)
        return .success { json in
          Self.write(principal, &json)
          json.member("used_today", used)
        }
      },
    ]
  }

  private func login(_ request: Request, _ context: GatewayContext) async throws -> Response {
    _ = try Query(request, allowing: [])
    let draft = try LoginDraft.decode(try await reader.read(request, context))
    let origin = SessionStore.Origin(
      address: addresses.client(of: request, peer: context.peer),
      userAgent: request.headers[.userAgent].map { String($0.replacing("\0", with: "").unicodeScalars.prefix(255)) })
    let session = try await desk.login(draft, origin, context)
    await announce(session.record.principal, context)
    return .success { json in
      json.member("access_token", session.token)
      json.member("token_type", "Bearer")
      json.member("expires_at", session.record.expiresAt)
      json.object("user") { json in Self.write(session.record.principal, &json) }
    }
  }

  private func logout(_ request: Request, _ context: GatewayContext) async throws -> Response {
    _ = try Query(request, allowing: [])
    let session = try authenticator.session(of: request, context)
    context.auditNote?.actor = session.principal
    try await reader.readNothing(request, context)
    guard session.kind == .session else {
      throw APIError(
        .conflict, "This is a token with a name, not a login; an admin revokes it",
        details: [.init("Authorization", "named_token", "It does not end by a logout")])
    }
    try await desk.store.end(session.digest)
    desk.directory.withLockedValue { $0.remove(session.digest) }
    await announce(session.principal, context)
    return .success(message: "Logged out") { _ in }
  }

  /// Has the others read that somebody came or went. It says only who: what is known here of their rights may be older
  /// than what others know, or arrive late.
  private func announce(_ principal: Principal, _ context: GatewayContext) async {
    await announcer.announce(
      UserChanged(userID: principal.userID, isActive: true, weight: principal.weight), context)
  }

  private static func write(_ principal: Principal, _ json: inout JSONWriter) {
    json.member("id", principal.userID.description)
    json.member("username", principal.username)
    json.member("is_admin", principal.isAdmin)
    json.member("weight", number: principal.weight)
    principal.limits.write(&json)
  }
}
