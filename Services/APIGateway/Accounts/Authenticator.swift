import Contracts
import HTTPTypes
import Hummingbird
import NIOConcurrencyHelpers

/// Tells from the bearer token who a request comes from, and counts it.
struct Authenticator: Sendable {
  let sessions: SessionReader
  let limiter: RequestLimiter

  init(directory: NIOLockedValueBox<TokenDirectory>, limiter: RequestLimiter, isBehindTLS: Bool = false) {
    sessions = SessionReader(directory: directory, isBehindTLS: isBehindTLS)
    self.limiter = limiter
  }

  /// - Throws: `UNAUTHORIZED`; `RATE_LIMITED`; 503 before the tokens were read once.
  func principal(of request: Request, _ context: GatewayContext) throws -> Principal {
    try session(of: request, context).principal
  }

  /// The same, for a request that is answered for long.
  func session(of request: Request, _ context: GatewayContext) throws -> AuthenticatedSession {
    let session = try session(of: request)
    context.note.session = session
    if !context.note.isCounted { try limiter.admit(session.principal, cost: Self.cost(of: request), context.note) }
    return session
  }

  /// The same for a browser, which sends the session's cookie and cannot send a token along with everything: for what
  /// only reads.
  func watcher(of request: Request, _ context: GatewayContext) throws -> AuthenticatedSession {
    guard request.headers[.authorization] == nil, let session = try sessions.visitor(of: request, context).session
    else {
      return try session(of: request, context)
    }
    try limiter.admit(session.principal, context.note)
    return session
  }

  /// A search by text is dear to the database.
  private static func cost(of request: Request) -> Int {
    request.uri.queryParameters["q"].map { !$0.isEmpty } == true ? RequestLimiter.searchCost : 1
  }

  private func session(of request: Request) throws -> AuthenticatedSession {
    guard let token = BearerToken.parse(request.headers[.authorization]) else {
      throw APIError(.unauthorized, "A bearer token is needed")
    }
    return try sessions.session(withToken: token)
  }
}

/// Who a request comes from, and whether they still may.
struct AuthenticatedSession: Sendable {
  let principal: Principal
  let kind: TokenDirectory.Kind
  let digest: TokenDigest
  let directory: NIOLockedValueBox<TokenDirectory>

  /// False from when the token is revoked or expires, its user is disabled, or their rights change.
  var isValid: Bool {
    guard let now = directory.withLockedValue({ $0.principal(for: digest, at: .now()) }) else { return false }
    return now.userID == principal.userID && now.isAdmin == principal.isAdmin
  }
}

/// `Authorization: Bearer TOKEN` (RFC 6750).
enum BearerToken {
  static func parse(_ header: String?) -> String? {
    guard let header, header.utf8.count <= 4096 else { return nil }
    let parts = header.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
    let token = parts[1].drop { $0 == " " }
    guard !token.isEmpty, !token.contains(" ") else { return nil }
    return String(token)
  }
}
