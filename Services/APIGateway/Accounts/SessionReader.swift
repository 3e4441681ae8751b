import Hummingbird
import NIOConcurrencyHelpers

/// Tells whose a token is, and counts nothing.
struct SessionReader: Sendable {
  let directory: NIOLockedValueBox<TokenDirectory>
  /// Which of its names the cookie has.
  let isBehindTLS: Bool

  /// Who is logged in at the panel, and the token of their session; it is counted by what the page asks for.
  /// - Throws: 503 before the sessions were read once.
  func visitor(
    of request: Request, _ context: GatewayContext
  ) throws -> (session: AuthenticatedSession?, token: String?) {
    guard let token = PanelCookie.session.value(in: request, isSecure: isBehindTLS) else { return (nil, nil) }
    do {
      let session = try session(withToken: token)
      guard session.kind == .session else { return (nil, nil) }
      context.note.session = session
      return (session, token)
    } catch let error as APIError where error.code == .unauthorized {
      return (nil, nil)
    }
  }

  /// - Throws: `UNAUTHORIZED`; 503 before the tokens were read once.
  func session(withToken token: String) throws -> AuthenticatedSession {
    let digest = TokenDigest(token: token)
    let (record, isLoaded) = directory.withLockedValue { ($0.use(digest, at: .now()), $0.isLoaded) }
    if let record {
      return AuthenticatedSession(
        principal: record.principal, kind: record.kind, digest: digest, directory: directory)
    }
    guard isLoaded else { throw APIError.unavailable("The users are not known yet") }
    throw APIError.invalidToken("The token is not valid")
  }
}
