import Hummingbird

/// One message: how far it is, what it waits for, what became of each recipient, and what can be done about it.
struct MessageDetailPage: Sendable {
  let panel: Panel

  struct Content: Sendable {
    var path: String
    var message: PanelMessage
    var username: String?
    var provider: String?
    var segments: Int
    var scheduled: PanelTime?
    var expires: PanelTime?
    var finished: PanelTime?
    var starts: PanelTime?
    var counts: [Count]
    var reply: String?
    var hint: String?
    var canPause: Bool
    var canResume: Bool
    var canCancel: Bool
    var canRetry: Bool
    var states: [PanelChoice]
    var recipients: [Recipient]
    var hasRecipients: Bool
    var nextPage: String?
  }

  struct Count: Sendable {
    var label: String
    var number: String
  }

  struct Recipient: Sendable {
    var path: String
    var phone: String
    var state: PanelState
    var attempts: Int
    /// The provider that had it last; another name than the message's, which templates would show instead of none.
    var via: String?
    var error: String?
    var sent: PanelTime?
  }

  struct Attempts: Sendable {
    var back: String
    var phone: String
    var content: String
    var state: PanelState
    var mayBeDuplicate: Bool
    var attempts: [PanelAttempt]
    var hasAttempts: Bool
  }

  var routes: [Route] {
    [
      panel.page("/history/{id}") { visit in
        let wasJustSent = try visit.query["done"] == "sent"
        do {
          return try await page(visit)
        } catch let error as APIError where error.code == .serviceUnavailable && wasJustSent {
          return soon(visit)
        }
      },
      panel.page("/history/{id}/{sms}") { visit in try await attempts(visit) },
      action("cancel") { answer in
        [
          "n": answer["cancelled"]?.whole ?? 0, "sent": answer["sent"]?.whole ?? 0,
          "in_flight": answer["in_flight"]?.whole ?? 0, "other": answer["other"]?.whole ?? 0,
        ]
      },
      action("pause") { answer in ["in_flight": answer["in_flight"]?.whole ?? 0] },
      action("resume") { _ in [:] },
      action("retry-failed") { answer in ["n": answer["retried"]?.whole ?? 0] },
    ]
  }

  private func action(_ name: String, _ numbers: @escaping @Sendable (JSONValue) -> [String: Int]) -> Route {
    panel.action("/history/{id}/\(name)") { visit, _ in
      let id = visit.part()
      let answer = try await visit.post("/api/sms/\(PanelURL.escaped(id))/\(name)")
      let isLater = answer["status"]?.text == "requested"
      return visit.redirect(
        "/history/\(PanelURL.escaped(id))",
        notice: isLater
          ? "requested"
          : (answer["other"]?.whole ?? 0) > 0 && name == "cancel"
            ? "cancel_other" : name.replacing("-", with: "_"),
        isLater ? [:] : numbers(answer))
    }
  }

  /// What was accepted a moment ago and cannot be read yet is no failure: the browser asks again.
  private func soon(_ visit: PanelVisit) -> Response {
    var response = visit.page(.soon, title: visit.text("message_title"), NoContent())
    response.headers[.known("Refresh")] = "2"
    return response
  }

  private func page(_ visit: PanelVisit) async throws -> Response {
    let id = PanelURL.escaped(visit.part())
    let query = try visit.query
    let path = visit.principal?.isAdmin == true ? "/api/admin/messages/\(id)" : "/api/sms/\(id)"
    let done = query["done"]
    let json = try await visit.get(path) { Self.shows(done, $0) }
    var asked: [(name: String, value: String)] = [("limit", "100")]
    for name in ["status", "cursor"] { if let value = query[name] { asked.append((name, value)) } }
    let list = try await visit.get("\(path)/recipients", asked)
    let message = PanelMessage(json, visit)
    let counts = (json["counts"]?.members ?? []).filter { ($0.value.whole ?? 0) > 0 }
    let failed = ["failed", "dead", "expired"].reduce(0) { $0 + (json["counts"]?[$1]?.whole ?? 0) }
    let isPaused = json["paused"]?.bool == true
    let recipients = (list["recipients"]?.elements ?? []).map { Self.recipient($0, message.id, visit) }
    let next = list["next_cursor"]?.text.map { cursor in
      "/history/\(id)" + PanelURL.query((query["status"].map { [("status", $0)] } ?? []) + [("cursor", cursor)])
    }
    return visit.page(
      .message, title: visit.text("message_title"),
      Content(
        path: "/history/\(id)", message: message,
        username: json["user_id"]?.text == visit.principal?.userID.description ? nil : json["username"]?.text,
        provider: json["provider"]?.text, segments: json["segments"]?.whole ?? 1,
        scheduled: visit.clock.time(json["send_at"]), expires: visit.clock.time(json["expires_at"]),
        finished: visit.clock.time(json["completed_at"]), starts: visit.clock.time(json["estimated_start_at"]),
        counts: counts.map {
          Count(label: visit.text("status_\($0.name)"), number: PanelText.grouped($0.value.whole ?? 0))
        },
        reply: json["hkt_response"]?.text,
        hint: (json["counts"]?["unconfirmed"]?.whole ?? 0) > 0 ? visit.text("unconfirmed_means") : nil,
        canPause: message.isOpen && !isPaused, canResume: isPaused, canCancel: message.isOpen, canRetry: failed > 0,
        states: counts.map {
          PanelChoice(
            value: $0.name, label: visit.text("status_\($0.name)"), isChosen: $0.name == query["status"])
        },
        recipients: recipients, hasRecipients: !recipients.isEmpty, nextPage: next))
  }

  /// Whether a message looks as what was just done with it has left it.
  private static func shows(_ done: String?, _ json: JSONValue) -> Bool {
    switch done {
    case "pause": json["paused"]?.bool == true
    case "resume": json["paused"]?.bool == false
    case "cancel", "cancel_other": ["pending", "retrying"].allSatisfy { (json["counts"]?[$0]?.whole ?? 0) == 0 }
    case "retry_failed": ["failed", "dead", "expired"].allSatisfy { (json["counts"]?[$0]?.whole ?? 0) == 0 }
    default: true
    }
  }

  private static func recipient(_ json: JSONValue, _ message: String, _ visit: PanelVisit) -> Recipient {
    Recipient(
      path: "/history/\(message)/\(PanelURL.escaped(json["id"]?.text ?? ""))", phone: json["phone"]?.text ?? "",
      state: PanelState(message: json["status"]?.text ?? "", visit.text), attempts: json["attempts"]?.whole ?? 0,
      via: json["provider"]?.text, error: error(json, visit.text),
      sent: visit.clock.time(json["sent_at"]))
  }

  /// The kind of error in the reader's language, with what the provider said.
  private static func error(_ json: JSONValue, _ text: PanelText) -> String? {
    let kind = json["error_code"]?.text.map { text.known("error_\($0)") ?? $0 }
    let said = json["error_message"]?.text
    let parts = [kind, said == json["error_code"]?.text ? nil : said].compactMap { $0 }
    return parts.isEmpty ? nil : parts.joined(separator: text.language == .english ? ": " : "：")
  }

  private func attempts(_ visit: PanelVisit) async throws -> Response {
    let json = try await visit.get("/api/sms/requests/\(PanelURL.escaped(visit.part("sms")))")
    let attempts = (json["responses"]?.elements ?? []).map { PanelAttempt($0, visit) }
    return visit.page(
      .attempts, title: visit.text("attempts_title"),
      Attempts(
        back: "/history/\(PanelURL.escaped(visit.part()))", phone: json["phone"]?.text ?? "",
        content: json["text"]?.text ?? "", state: PanelState(message: json["status"]?.text ?? "", visit.text),
        mayBeDuplicate: json["may_be_duplicate"]?.bool == true, attempts: attempts, hasAttempts: !attempts.isEmpty))
  }
}
