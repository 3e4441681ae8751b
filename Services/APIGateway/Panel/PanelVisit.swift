import Contracts
import HTTPTypes
import Hummingbird

/// One request of a person at the panel.
struct PanelVisit: Sendable {
  let request: Request
  let context: GatewayContext
  let panel: Panel
  let language: PanelLanguage
  /// Who is logged in; `nil` for nobody.
  let session: AuthenticatedSession?
  /// Of the session, in clear.
  let token: String?
  /// What forms are made from for nobody.
  let visitor: String
  let formToken: FormToken

  var text: PanelText { panel.templates.text(language) }
  var clock: PanelClock { panel.clock }
  var principal: Principal? { session?.principal }

  /// The same visit when the session turns out to be over.
  var ofNobody: PanelVisit {
    PanelVisit(
      request: request, context: context, panel: panel, language: language, session: nil, token: nil, visitor: visitor,
      formToken: FormToken(secret: visitor))
  }

  /// The address with its query.
  var here: String { request.uri.string }

  /// Asks the API.
  /// - Returns: The answer's `data`, or the whole of it where it has none.
  /// - Throws: `APIError` when the API refuses.
  func api(_ call: PanelAPI.Call) async throws -> JSONValue {
    let answer = try await panel.api.answer(to: call, token: token, of: request, context)
    return answer["data"] ?? answer
  }

  func get(_ path: String, _ query: [(name: String, value: String)] = []) async throws -> JSONValue {
    try await api(PanelAPI.Call(path: path, query: query))
  }

  /// Asks until what was just done can be read: the read side follows a command within moments.
  /// - Returns: The last answer, also when that took longer than anybody waits for a page.
  func get(
    _ path: String, _ query: [(name: String, value: String)] = [], until isSeen: (JSONValue) -> Bool
  ) async throws -> JSONValue {
    var answer = try await get(path, query)
    let deadline = ContinuousClock.now + .milliseconds(1_500)
    while !isSeen(answer), ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(50))
      answer = try await api(PanelAPI.Call(path: path, query: query, isCounted: true))
    }
    return answer
  }

  func post(_ path: String, _ body: [(String, JSONValue?)] = []) async throws -> JSONValue {
    try await send(.post, path, body)
  }

  /// - Parameter body: Its members; those that are `nil` are left out.
  func send(
    _ method: HTTPRequest.Method, _ path: String, _ body: [(String, JSONValue?)] = [], idempotencyKey: String? = nil,
    isCounted: Bool = false
  ) async throws -> JSONValue {
    let members = body.compactMap { name, value in value.map { JSONMember(name: name, value: $0) } }
    return try await api(
      PanelAPI.Call(
        method: method, path: path, body: members.isEmpty ? nil : .object(members), idempotencyKey: idempotencyKey,
        isCounted: isCounted))
  }

  /// The providers that there are.
  var providerNames: [String] {
    get async throws {
      try await get("/api/sms/providers")["providers"]?.elements.compactMap { $0["id"]?.text } ?? []
    }
  }

  // MARK: Answers

  /// A whole page.
  func page(
    _ template: PanelTemplate, title: String, status: HTTPResponse.Status = .ok, _ content: any Sendable
  ) -> Response {
    panel.page(template, title: title, status: status, content, for: self)
  }

  /// Sends the browser to another page after something was done.
  /// - Parameters:
  ///   - notice: A text of the catalogue, `done_NAME`, that the next page shows.
  ///   - numbers: What stands for `{name}` in it; by the one named `n` the text is chosen.
  func redirect(_ path: String, notice: String? = nil, _ numbers: [String: Int] = [:]) -> Response {
    var query: [(name: String, value: String)] = []
    if let notice { query.append(("done", notice)) }
    for (name, number) in numbers.sorted(by: { $0.key < $1.key }) { query.append((name, String(number))) }
    let suffix = PanelURL.query(query)
    let address = path.contains("?") ? path + suffix.replacing("?", with: "&") : path + suffix
    return Response(status: .seeOther, headers: [.location: address, .cacheControl: "no-store"])
  }

  /// The query of the address. A parameter that no page knows is not an error here: links come from mails and bookmarks.
  var query: PanelForm {
    get throws { try PanelForm(Array((request.uri.query ?? "").utf8)) }
  }

  /// A part of the path: `{id}`.
  func part(_ name: String = "id") -> String { context.parameters.get(name) ?? "" }
}
