import HTTPTypes
import Hummingbird

/// Providers for admins: how each does, what overrides the file, and the switch for all sending.
struct ProviderPages: Sendable {
  let panel: Panel

  struct Content: Sendable {
    var isStopped: Bool
    var providers: [Provider]
    /// That not all of them work, where the switch is on.
    var trouble: String?
    var problem: PanelProblem?
  }

  struct Provider: Sendable {
    var name: String
    var path: String
    var state: PanelState
    var reason: String?
    var effective: String
    var inFlight: String
    var successes: String
    var failures: String
    var unhealthyUntil: PanelTime?
    var sent: String
    var share: String
    var isPaused: Bool
    var rate: String
    var window: String
    var weight: String
    var fileRate: String
    var fileWeight: String
    var overridden: String?
    /// What the page showed at first.
    var wasRate: String
    var wasWindow: String
    var wasWeight: String
    /// The fields that are wrong, by their names.
    var wrong: [String: Bool] = [:]
  }

  var routes: [Route] {
    [
      panel.adminPage("/admin/providers") { visit in try await page(visit) },
      panel.adminAction("/admin/providers/{id}") { visit, form in try await change(visit, form) },
      panel.adminAction("/admin/providers/{id}/pause") { visit, _ in
        try await command(visit, [("paused", .bool(true))], "provider_paused")
      },
      panel.adminAction("/admin/providers/{id}/resume") { visit, _ in
        try await command(visit, [("paused", .bool(false))], "provider_resumed")
      },
      panel.adminAction("/admin/providers/{id}/file") { visit, _ in
        let settings = ["rate", "window_s", "weight", "paused"].map { ($0, JSONValue?.some(.null)) }
        return try await command(visit, settings, "provider_file")
      },
      panel.adminAction("/admin/providers/{id}/reset") { visit, _ in
        _ = try await visit.post("/api/sms/health/\(PanelURL.escaped(visit.part()))/reset")
        return visit.redirect("/admin/providers", notice: "provider_reset")
      },
      panel.adminAction("/admin/sending/stop") { visit, _ in
        _ = try await visit.post("/api/admin/sending/stop")
        return visit.redirect("/admin/providers", notice: "stopped")
      },
      panel.adminAction("/admin/sending/go") { visit, _ in
        _ = try await visit.post("/api/admin/sending/go")
        return visit.redirect("/admin/providers", notice: "going")
      },
    ]
  }

  private func command(
    _ visit: PanelVisit, _ body: [(String, JSONValue?)], _ notice: String
  ) async throws -> Response {
    let answer = try await visit.send(.patch, "/api/admin/providers/\(PanelURL.escaped(visit.part()))", body)
    return visit.redirect(
      "/admin/providers", notice: answer["status"]?.text == "requested" ? "requested" : notice)
  }

  private func change(_ visit: PanelVisit, _ form: PanelForm) async throws -> Response {
    do {
      // What was left as it was is not overridden, and not set back to what it was when the page was made.
      let changed = ["rate", "window_s", "weight"].filter { form.trimmed($0) != form.trimmed("was_\($0)") }
      guard !changed.isEmpty else { return visit.redirect("/admin/providers") }
      let body = changed.map { ($0, JSONValue?.some(form.trimmed($0).map(UserFormFields.number) ?? .null)) }
      return try await command(visit, body, "provider_changed")
    } catch let error as APIError where error.code == .invalidField {
      return try await page(visit, kept: form, problem: PanelProblem(error, visit.text), status: .badRequest)
    }
  }

  /// - Parameter kept: What was written for the provider of the path, and refused.
  private func page(
    _ visit: PanelVisit, kept: PanelForm? = nil, problem: PanelProblem? = nil, status: HTTPResponse.Status = .ok
  ) async throws -> Response {
    let settings = try await visit.get("/api/admin/providers")["providers"]?.elements ?? []
    let health = try await visit.get("/api/sms/health")["providers"]?.elements ?? []
    let shares = try await visit.get("/api/sms/distribution-stats")["providers"]
    let providers = settings.map { json -> Provider in
      let name = json["name"]?.text ?? json["id"]?.text ?? ""
      var provider = Self.provider(
        json, health: health.first { $0["provider_id"]?.text == name }, share: shares?[name], visit)
      if let kept, name == visit.part() {
        provider.rate = kept["rate"] ?? ""
        provider.window = kept["window_s"] ?? ""
        provider.weight = kept["weight"] ?? ""
        provider.wrong = problem?.wrong ?? [:]
      }
      return provider
    }
    return visit.page(
      .providers, title: visit.text("providers"), status: status,
      Content(
        isStopped: !panel.queue.snapshot.isSending, providers: providers, trouble: Self.trouble(settings, visit.text),
        problem: problem))
  }

  private static func trouble(_ settings: [JSONValue], _ text: PanelText) -> String? {
    let names = settings.filter { $0["state"]?.text != "healthy" }.compactMap { $0["name"]?.text ?? $0["id"]?.text }
    return names.isEmpty ? nil : text("not_all_work", ["names": names.joined(separator: ", ")])
  }

  private static func provider(
    _ json: JSONValue, health: JSONValue?, share: JSONValue?, _ visit: PanelVisit
  ) -> Provider {
    let name = json["name"]?.text ?? json["id"]?.text ?? ""
    func digits(_ value: JSONValue?) -> String { UserFormFields.digits(value?.number ?? 0) }
    let overridden = (json["overridden"]?.elements ?? []).compactMap(\.text).map { name in
      // What is set by hand may be that it is not paused.
      name == "paused" && json["paused"]?.bool != true ? visit.text("not_paused") : visit.text("field_\(name)")
    }
    return Provider(
      name: name, path: "/admin/providers/\(PanelURL.escaped(name))",
      state: PanelState(provider: json["state"]?.text ?? "", visit.text), reason: json["pause_reason"]?.text,
      effective: DashboardPage.rate(json["effective_rate"]?.number ?? 0),
      inFlight: PanelText.grouped(json["in_flight"]?.whole ?? 0),
      successes: PanelText.grouped(health?["success_count"]?.whole ?? 0),
      failures: PanelText.grouped(health?["failure_count"]?.whole ?? 0),
      unhealthyUntil: visit.clock.time(health?["unhealthy_until"]),
      sent: PanelText.grouped(share?["count"]?.whole ?? 0),
      share: "\(Int(((share?["share"]?.number ?? 0) * 100).rounded())) %",
      isPaused: json["state"]?.text == "paused" || json["paused"]?.bool == true,
      rate: digits(json["rate"]), window: digits(json["window_s"]), weight: digits(json["weight"]),
      fileRate: digits(json["file"]?["rate"]), fileWeight: digits(json["file"]?["weight"]),
      overridden: overridden.isEmpty ? nil : overridden.joined(separator: ", "), wasRate: digits(json["rate"]),
      wasWindow: digits(json["window_s"]), wasWeight: digits(json["weight"]))
  }
}
