import Contracts
import HTTPTypes
import Hummingbird

/// One dead letter with its whole story, and the replays that were begun.
struct DeadLetterPage: Sendable {
  let panel: Panel

  struct Content: Sendable {
    var letter: PanelLetter
    var attempts: [PanelAttempt]
    var hasAttempts: Bool
    var requests: [Request]
    var hasRequests: Bool
    /// Of a broker message.
    var body: String?
    var headers: String?
    var times: Int?
    var canEdit: Bool
    var problem: PanelProblem?
    var classes: [PanelChoice]
    var providers: [PanelChoice]
  }

  struct Request: Sendable {
    var kind: String
    var actor: String
    var reason: String?
    var at: PanelTime?
    var result: String
  }

  struct Replays: Sendable {
    var replays: [Replay]
    var hasReplays: Bool
    var nextPage: String?
  }

  struct Replay: Sendable {
    var cancelPath: String
    var at: PanelTime?
    var actor: String
    var reason: String?
    var messageClass: String
    var only: String?
    var total: Int
    var done: Int
    var progress: String
    var state: PanelState
    var results: String
    var cancellation: Cancellation?
    var canCancel: Bool
  }

  /// Who took a replay back.
  struct Cancellation: Sendable {
    // Not named like what the replay has: a template would look there for what is not given here.
    var by: String
    var since: PanelTime?
    var why: String?
  }

  private static let path = DeadLetterPages.path
  private static let api = DeadLetterPages.api

  var routes: [Route] {
    [
      panel.adminPage("\(Self.path)/{id}") { visit in try await page(visit) },
      one("replay") { form in
        [
          ("class", form.trimmed("class").map { .string($0) }),
          ("provider", form.trimmed("by_provider").map { .string($0) }), ("body", form["body"].map { .string($0) }),
        ]
      },
      one("abandon") { _ in [] },
      one("settle") { form in [("as", .string(form["as"] ?? ""))] },
      panel.adminPage("\(Self.path)/replays") { visit in try await replays(visit) },
      panel.adminAction("\(Self.path)/replays/{id}/cancel") { visit, _ in
        let answer: JSONValue
        do {
          answer = try await visit.post("\(Self.api)/replays/\(PanelURL.escaped(visit.part()))/cancel")
        } catch let error as APIError where error.code == .conflict {
          return visit.redirect("\(Self.path)/replays", notice: "replay_gone")
        }
        if answer["already"]?.bool == true {
          return visit.redirect("\(Self.path)/replays", notice: "replay_already")
        }
        if answer["status"]?.text == "requested" {
          return visit.redirect("\(Self.path)/replays", notice: "requested")
        }
        return visit.redirect(
          "\(Self.path)/replays", notice: "replay_cancelled",
          ["n": answer["count"]?.whole ?? 0, "in_flight": answer["in_flight"]?.whole ?? 0])
      },
    ]
  }

  private func one(
    _ command: String, _ options: @escaping @Sendable (PanelForm) -> [(String, JSONValue?)]
  ) -> Route {
    panel.adminAction("\(Self.path)/{id}/\(command)") { visit, form in
      let path = "/\(PanelURL.escaped(visit.part()))"
      do {
        let reason: [(String, JSONValue?)] = [("reason", form.trimmed("reason").map { .string($0) })]
        let answer = try await visit.post("\(Self.api)\(path)/\(command)", options(form) + reason)
        let notice =
          answer["status"]?.text == "requested"
          ? "requested" : answer["already"]?.bool == true ? "letter_already" : "letter_\(command)"
        return visit.redirect("\(Self.path)\(path)", notice: notice)
      } catch let error as APIError where error.code == .invalidField || error.code == .conflict {
        return try await page(
          visit, body: form["body"], problem: PanelProblem(error, visit.text), status: .init(code: error.code.status))
      }
    }
  }

  private func page(
    _ visit: PanelVisit, body: String? = nil, problem: PanelProblem? = nil, status: HTTPResponse.Status = .ok
  ) async throws -> Response {
    let json = try await visit.get("\(Self.api)/\(PanelURL.escaped(visit.part()))")
    let letter = PanelLetter(json, visit)
    let attempts = (json["attempts"]?.elements ?? []).map { PanelAttempt($0, visit) }
    let requests = (json["requests"]?.elements ?? []).map { Self.request($0, visit) }
    let isText = json["body_encoding"]?.text == "utf-8"
    return visit.page(
      .letter, title: visit.text(letter.isPoison ? "poison_title" : "letter_title"), status: status,
      Content(
        letter: letter, attempts: attempts, hasAttempts: !attempts.isEmpty, requests: requests,
        hasRequests: !requests.isEmpty, body: body ?? json["body"]?.text, headers: json["headers"].map(JSONWriter.text),
        times: json["times"]?.whole, canEdit: letter.isPoison && letter.isPending && isText, problem: problem,
        classes: PanelChoice.classes(visit.text, chosen: MessageClass.bulk.rawValue),
        providers: PanelChoice.names(try await visit.providerNames)))
  }

  private static func request(_ row: JSONValue, _ visit: PanelVisit) -> Request {
    let verdict = row["verdict"]?.text.map { " (\(visit.text("status_\($0)")))" } ?? ""
    return Request(
      kind: visit.text("request_\(row["kind"]?.text ?? "")") + verdict, actor: row["actor"]?.text ?? "",
      reason: row["reason"]?.text, at: visit.clock.time(row["requested_at"]),
      result: row["result"]?.text.map { result($0, visit.text) } ?? visit.text("under_way"))
  }

  /// What became of a letter, in the reader's language: a state, or that it was refused and why.
  static func result(_ result: String, _ text: PanelText) -> String {
    guard result.hasPrefix(ReplayResults.refusal) else {
      return text.known("status_\(result)") ?? text.known("result_\(result)") ?? result
    }
    let reason = String(result.dropFirst(ReplayResults.refusal.count))
    let why = text.known("reason_\(reason)") ?? text.known("wrong_\(reason)") ?? reason
    return text("result_refused_because", ["why": why])
  }

  private func replays(_ visit: PanelVisit) async throws -> Response {
    let cursor = try visit.query["cursor"]
    let answer = try await visit.get("\(Self.api)/replays", cursor.map { [("cursor", $0)] } ?? [])
    let replays = (answer["replays"]?.elements ?? []).map { Self.replay($0, visit) }
    return visit.page(
      .replays, title: visit.text("replays_title"),
      Replays(
        replays: replays, hasReplays: !replays.isEmpty,
        nextPage: answer["next_cursor"]?.text.map { "\(Self.path)/replays" + PanelURL.query([("cursor", $0)]) }))
  }

  private static func replay(_ json: JSONValue, _ visit: PanelVisit) -> Replay {
    let text = visit.text
    let total = json["count"]?.whole ?? 0
    let pending = json["results"]?["pending"]?.whole ?? 0
    let isRunning = json["ended_at"]?.text == nil
    let results = (json["results"]?.members ?? []).compactMap { member -> String? in
      guard let number = member.value.whole, number > 0 else { return nil }
      let name = text.known("status_\(member.name)") ?? text("result_\(member.name)")
      return "\(name): \(PanelText.grouped(number))"
    }
    let state =
      json["cancelled_at"]?.text != nil
      ? PanelState(label: text("status_cancelled"), kind: .warn)
      : PanelState(label: text(isRunning ? "replay_running" : "replay_ended"), kind: isRunning ? .plain : .good)
    let cancellation = json["cancelled_by"]?.text.map {
      Cancellation(by: $0, since: visit.clock.time(json["cancelled_at"]), why: json["cancel_reason"]?.text)
    }
    return Replay(
      cancelPath: "\(path)/replays/\(json["id"]?.text ?? "")/cancel", at: visit.clock.time(json["requested_at"]),
      actor: json["actor"]?.text ?? "", reason: json["reason"]?.text,
      messageClass: text("class_\(json["class"]?.text ?? "bulk")"), only: json["provider"]?.text, total: total,
      done: total - pending,
      progress: text(
        "replay_progress", ["done": PanelText.grouped(total - pending), "total": PanelText.grouped(total)]),
      state: state, results: results.joined(separator: ", "),
      cancellation: cancellation, canCancel: isRunning && cancellation == nil)
  }
}
