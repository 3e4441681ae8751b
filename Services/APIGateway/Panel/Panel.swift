import HTTPTypes
import Hummingbird
import PhoneNumbers

/// The files that the panel's pages are made of.
struct PanelFiles: Sendable {
  let templates: PanelTemplates
  let assets: PanelAssets

  /// - Throws: When one that belongs beside the executable is missing or cannot be read.
  init() throws {
    templates = try PanelTemplates()
    assets = try PanelAssets()
  }
}

/// What all pages of the panel need.
struct Panel: Sendable {
  let api: PanelAPI
  let sessions: SessionReader
  let templates: PanelTemplates
  let clock: PanelClock
  let queue: QueueView
  let reader: BodyReader
  let addresses: ClientAddress
  let parser: PhoneNumberParser
  let limits: SubmissionLimits
  let isBehindTLS: Bool
  /// `SLUICE_SESSION_HOURS`
  let sessionHours: Int

  /// Whoever is nobody yet is not listened to for long.
  private var strangersReader: BodyReader { BodyReader(limit: 16 * 1024, timeout: reader.timeout) }

  /// For a form of nobody that may be long: a message with its recipients.
  private var longReader: BodyReader { BodyReader(limit: min(reader.limit, 1_048_576), timeout: reader.timeout) }

  let longForms = FormSlots(limit: 16, limitOfAddress: 4)

  // MARK: Routes

  /// A page for whoever is logged in; others come to the login first.
  func page(_ path: String, _ answer: @escaping @Sendable (PanelVisit) async throws -> Response) -> Route {
    Route(.get, path) { request, context in
      try await answered(request, context, needsLogin: true, answer)
    }
  }

  /// A page for admins.
  func adminPage(_ path: String, _ answer: @escaping @Sendable (PanelVisit) async throws -> Response) -> Route {
    page(path) { visit in
      try Self.requireAdmin(visit)
      return try await answer(visit)
    }
  }

  /// A page that needs no login.
  func openPage(_ path: String, _ answer: @escaping @Sendable (PanelVisit) async throws -> Response) -> Route {
    Route(.get, path) { request, context in
      try await answered(request, context, needsLogin: false, answer)
    }
  }

  /// What a form does with its sender's fields.
  typealias Action = @Sendable (PanelVisit, PanelForm) async throws -> Response

  /// What a form does. The form must be ours.
  /// - Parameters:
  ///   - isLong: The form may be as long as any, though nobody is logged in.
  ///   - forged: What it does, without any effect, with a form that is not ours; by default it is refused.
  ///   - loggedOut: What it does, without any effect, when nobody is logged in any more and a page of ours sent it; by
  ///     default its sender comes to the login, and what they typed is lost.
  func action(
    _ path: String, needsLogin: Bool = true, isLong: Bool = false, forged: Action? = nil, loggedOut: Action? = nil,
    _ answer: @escaping Action
  ) -> Route {
    Route(.post, path) { request, context in
      try await answered(request, context, needsLogin: needsLogin && loggedOut == nil) { visit in
        if let loggedOut, visit.session == nil {
          guard SameOrigin.isSender(of: request) else { return visit.redirect("/login") }
          return try await withLongForm(visit, loggedOut)
        }
        if !needsLogin, isLong { return try await withLongForm(visit) { try await act($0, $1, forged, nil, answer) } }
        let form = try await form(visit, needsLogin ? (loggedOut == nil ? reader : reader.unasked) : strangersReader)
        return try await act(visit, form, forged, loggedOut, answer)
      }
    }
  }

  /// Does what a form asks for that has been read.
  private func act(
    _ visit: PanelVisit, _ form: PanelForm, _ forged: Action?, _ loggedOut: Action?, _ answer: Action
  ) async throws -> Response {
    if let loggedOut, visit.session?.isValid == false { return try await loggedOut(visit.ofNobody, form) }
    guard visit.formToken.matches(form[FormToken.field]) else {
      if let forged { return try await forged(visit, form) }
      throw APIError(.forbidden, visit.text("problem_form_token"))
    }
    do {
      return try await answer(visit, form)
    } catch let error as APIError where error.code == .unauthorized {
      guard let loggedOut else { throw error }
      return try await loggedOut(visit.ofNobody, form)
    }
  }

  private func form(_ visit: PanelVisit, _ reader: BodyReader) async throws -> PanelForm {
    try PanelForm(
      try await reader.read(visit.request, visit.context, as: .form), type: visit.request.headers[.contentType])
  }

  /// Of nobody: anybody may send it, so only so many are held at once.
  private func withLongForm(_ visit: PanelVisit, _ answer: Action) async throws -> Response {
    let address = addresses.client(of: visit.request, peer: visit.context.peer)
    guard let slot = longForms.take(for: address) else {
      throw APIError.unavailable(visit.text("problem_SERVICE_UNAVAILABLE"))
    }
    return slot.holding(try await answer(visit, try await form(visit, longReader)))
  }

  /// The same visit of whoever has just logged in with this token.
  /// - Throws: `APIError` when it does not work any more.
  func visit(_ visit: PanelVisit, with token: String) throws -> PanelVisit {
    PanelVisit(
      request: visit.request, context: visit.context, panel: self, language: visit.language,
      session: try sessions.session(withToken: token), token: token, visitor: visit.visitor,
      formToken: FormToken(secret: token))
  }

  /// What a form of a page for admins does.
  func adminAction(
    _ path: String, _ answer: @escaping @Sendable (PanelVisit, PanelForm) async throws -> Response
  ) -> Route {
    action(path) { visit, form in
      try Self.requireAdmin(visit)
      return try await answer(visit, form)
    }
  }

  private static func requireAdmin(_ visit: PanelVisit) throws {
    guard visit.principal?.isAdmin == true else { throw APIError(.forbidden, visit.text("problem_admin")) }
  }

  // MARK: Answers

  private func answered(
    _ request: Request, _ context: GatewayContext, needsLogin: Bool,
    _ answer: (PanelVisit) async throws -> Response
  ) async throws -> Response {
    let who = Result { try sessions.visitor(of: request, context) }
    // Before the sessions were read once nobody is known, and the page says so.
    let (session, token) = (try? who.get()) ?? (nil, nil)
    let known = PanelCookie.visitor.value(in: request, isSecure: isBehindTLS)
    let visitor = known ?? BearerSecret.make(prefix: "")
    let visit = PanelVisit(
      request: request, context: context, panel: self, language: PanelLanguage(of: request), session: session,
      token: token, visitor: visitor, formToken: FormToken(secret: token ?? visitor))
    var response: Response
    if case .failure(let error as APIError) = who {
      response = problem(error, visit)
    } else if needsLogin, session == nil {
      let next = request.method == .get ? visit.here : "/"
      response = visit.redirect("/login" + PanelURL.query(next == "/" ? [] : [("next", next)]))
    } else {
      do {
        response = try await answer(visit)
      } catch let error as APIError where error.code == .unauthorized && needsLogin {
        // The session has ended since the page was asked for.
        response = visit.redirect("/login")
      } catch let error where !(error is BodyReadError || error is CancellationError) {
        response = problem(.failure(error, context.logger), visit)
      }
    }
    // A login sets it itself: back to nothing.
    let isSet = response.headers[values: .setCookie].contains {
      PanelCookie.visitor.isSet(by: $0, isSecure: isBehindTLS)
    }
    if known == nil, session?.isValid != true, !isSet {
      set(.visitor, visitor, seconds: nil, &response)
    }
    return response
  }

  /// Has the browser keep a cookie.
  /// - Parameter seconds: How long; `nil` until it is closed, 0 forgets it.
  func set(_ cookie: PanelCookie, _ value: String, seconds: Int?, _ response: inout Response) {
    response.headers.append(cookie.field(value, seconds: seconds, isSecure: isBehindTLS))
  }

  /// A page that is none, for people; programs get the API's own answer.
  func missing(_ request: Request, _ context: GatewayContext) async throws -> Response? {
    let path = request.uri.path
    guard request.headers[.accept]?.contains("text/html") == true, !path.hasPrefix("/api/"), request.method == .get
    else { return nil }
    return try await answered(request, context, needsLogin: false) { _ in throw APIError(.notFound, "No such page") }
  }

  /// What cannot be done, as a page.
  func problem(_ error: APIError, _ visit: PanelVisit) -> Response {
    var response = page(
      .problem, title: visit.text.known("problem_title_\(error.code.rawValue)") ?? visit.text("problem_title"),
      status: .init(code: error.code.status), PanelProblem(error, visit.text), for: visit)
    if let seconds = error.retryAfter { response.headers[.retryAfter] = String(seconds) }
    if error.closesConnection { response.headers[.connection] = "close" }
    return response
  }

  func page(
    _ template: PanelTemplate, title: String, status: HTTPResponse.Status, _ content: any Sendable,
    for visit: PanelVisit
  ) -> Response {
    let html = templates.html(template, frame(title, visit), content)
    var headers = HTTPFields()
    headers[.contentType] = "text/html; charset=utf-8"
    headers[.cacheControl] = "no-store"
    headers[.contentSecurityPolicy] = Self.policy
    // Not `no-referrer`: forms would be sent without their origin.
    headers[SecurityHeaders.referrer] = "same-origin"
    headers[.contentLanguage] = visit.language.rawValue
    return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: html)))
  }

  /// Nothing from elsewhere, nothing inline (https://www.w3.org/TR/CSP3/).
  private static let policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    + "frame-ancestors 'none'; base-uri 'none'"

  private func frame(_ title: String, _ visit: PanelVisit) -> PanelFrame {
    let text = visit.text
    let path = visit.request.uri.path
    func links(_ pages: [(path: String, name: String)]) -> [PanelFrame.Link] {
      pages.map { page in
        PanelFrame.Link(
          path: page.path, text: text("nav_\(page.name)"),
          isCurrent: path == page.path || page.path != "/" && path.hasPrefix(page.path + "/"))
      }
    }
    let isAdmin = visit.principal?.isAdmin == true
    return PanelFrame(
      language: visit.language, languageTag: visit.language.rawValue, title: title,
      hereEscaped: PanelURL.escaped(visit.request.method == .get ? visit.here : PanelNavigation.page(around: path)),
      username: visit.principal?.username, isAnswer: visit.request.method == .post, isLoggedIn: visit.session != nil,
      csrfToken: visit.formToken.text,
      links: visit.session == nil ? [] : links(PanelNavigation.pages),
      adminLinks: isAdmin ? links(PanelNavigation.adminPages) : [], hasAdminLinks: isAdmin,
      languages: PanelLanguage.allCases.map {
        PanelFrame.Language(tag: $0.rawValue, name: $0.name, isCurrent: $0 == visit.language)
      },
      notice: notice(visit), isStopped: visit.session != nil && queue.snapshot.isKnown && !queue.snapshot.isSending,
      isPaused: visit.principal.map { queue.snapshot.pausedUsers.contains($0.userID) } ?? false, zone: clock.zone)
  }

  /// What the last form did: a text of the catalogue with numbers in it, whatever the address says.
  private func notice(_ visit: PanelVisit) -> String? {
    // A query that cannot be read says nothing was done.
    guard let query = try? visit.query, let name = query["done"], visit.text.known("done_\(name)") != nil else {
      return nil
    }
    var text = visit.text.count("done_\(name)", query.number("n") ?? 0)
    for match in text.matches(of: /\{([a-z_]+)\}/) {
      text = text.replacing(match.0, with: PanelText.grouped(query.number(String(match.1)) ?? 0))
    }
    return text
  }
}
