import Contracts
import Hummingbird

/// The queue for admins: who waits with how much, since when and until when, with the brakes of one user's traffic.
struct QueuePage: Sendable {
  let panel: Panel

  struct Content: Sendable {
    var depth: String
    var rate: String
    var flowCount: String
    var classes: [ClassRow]
    var choices: [PanelChoice]
    var filterName: String?
    var isFiltered: Bool
    var flows: [Flow]
    var hasFlows: Bool
    var paused: [PausedUser]
    var hasPaused: Bool
    /// This list, filtered as it is, to come back to.
    var herePath: String
    /// That there are more than are shown.
    var more: String?
  }

  struct ClassRow: Sendable {
    var name: String
    var backlog: String
    var flows: String
    var weight: String
    var share: String
  }

  /// Somebody whose traffic is held back as a whole.
  struct PausedUser: Sendable {
    var userPath: String
    var username: String
    /// Before all of it is cancelled.
    var question: String
  }

  struct Flow: Sendable {
    var userPath: String
    var username: String
    /// Before all of it is cancelled.
    var question: String
    var messageClass: String
    /// The only providers that may carry it; another name than that of others, which templates would show instead of none.
    var via: String?
    var backlog: String
    var share: String
    var position: String?
    var oldest: PanelTime?
    /// `5 min`
    var age: String?
    var starts: PanelTime?
    var completes: PanelTime?
  }

  static let path = "/admin/queue"

  var routes: [Route] { [panel.adminPage(Self.path) { visit in try await page(visit) }] }

  private func page(_ visit: PanelVisit) async throws -> Response {
    let query = try await visit.naming(try visit.query)
    let fields = ["class", "user_id"].compactMap { name in query.trimmed(name).map { (name: name, value: $0) } }
    let (done, about) = (query["done"], query["about"])
    let json = try await visit.get("/api/admin/queue", fields + [("limit", String(Self.limit))]) { json in
      let isPaused = json["paused_users"]?.elements.contains { $0["user_id"]?.text == about } ?? false
      let waits = json["flows"]?.elements.contains { $0["user_id"]?.text == about } ?? false
      return switch done {
      case "user_paused": isPaused
      case "user_resumed": !isPaused
      case "user_cancelled": !waits
      default: true
      }
    }
    let flows = (json["flows"]?.elements ?? []).map { Self.flow($0, visit) }
    let paused = (json["paused_users"]?.elements ?? []).map { json in
      let id = json["user_id"]?.text ?? ""
      let name = json["username"]?.text ?? id
      return PausedUser(userPath: "/admin/users/\(id)", username: name, question: Self.question(name, visit.text))
    }
    let total = json["total_flows"]?.whole ?? 0
    let found = Self.found(json, messageClass: query.trimmed("class"), userID: query.trimmed("user_id"))
    return visit.page(
      .queue, title: visit.text("nav_queue"),
      Content(
        depth: PanelText.grouped(json["queue_depth"]?.whole ?? 0),
        rate: DashboardPage.rate(json["msgs_per_sec"]?.number ?? 0), flowCount: PanelText.grouped(total),
        classes: (json["classes"]?.elements ?? []).map { Self.row($0, visit) },
        choices: PanelChoice.classes(visit.text, chosen: query["class"]), filterName: query.trimmed("user"),
        isFiltered: !fields.isEmpty, flows: flows, hasFlows: !flows.isEmpty, paused: paused,
        hasPaused: !paused.isEmpty, herePath: Self.path + PanelURL.query(fields),
        more: found > flows.count
          ? visit.text(
            "queue_more", ["n": PanelText.grouped(flows.count), "total": PanelText.grouped(found)]) : nil))
  }

  /// As many as the API lists at once.
  private static let limit = 100

  /// How many flows there are of what is listed; 0 of one user, who has fewer than are listed.
  private static func found(_ json: JSONValue, messageClass: String?, userID: String?) -> Int {
    guard userID == nil else { return 0 }
    guard let messageClass else { return json["total_flows"]?.whole ?? 0 }
    return json["classes"]?.elements.first { $0["class"]?.text == messageClass }?["flows"]?.whole ?? 0
  }

  /// What is asked before all of a user's is cancelled.
  static func question(_ username: String, _ text: PanelText) -> String {
    text("cancel_all_sure", ["name": username])
  }

  private static func row(_ json: JSONValue, _ visit: PanelVisit) -> ClassRow {
    ClassRow(
      name: visit.text("class_\(json["class"]?.text ?? "")"), backlog: PanelText.grouped(json["backlog"]?.whole ?? 0),
      flows: PanelText.grouped(json["flows"]?.whole ?? 0), weight: UserFormFields.digits(json["weight"]?.number ?? 0),
      share: share(json))
  }

  private static func flow(_ json: JSONValue, _ visit: PanelVisit) -> Flow {
    let id = json["user_id"]?.text ?? ""
    let oldest = json["oldest_pending_at"]?.text.flatMap { Timestamp($0) }
    let name = json["username"]?.text ?? id
    return Flow(
      userPath: "/admin/users/\(id)", username: name, question: question(name, visit.text),
      messageClass: visit.text("class_\(json["class"]?.text ?? "")"),
      via: json["providers"].map { $0.elements.compactMap(\.text).joined(separator: ", ") }.flatMap {
        $0.isEmpty ? nil : $0
      },
      backlog: PanelText.grouped(json["backlog"]?.whole ?? 0), share: share(json),
      position: json["queue_position"]?.whole.map { visit.text.count("ahead", $0) },
      oldest: oldest.map { visit.clock.time($0) }, age: oldest.map { age(since: $0, visit.text) },
      starts: visit.clock.time(json["estimated_start_at"]), completes: visit.clock.time(json["estimated_complete_at"]))
  }

  private static func share(_ json: JSONValue) -> String {
    "\(Int(((json["share"]?.number ?? 0) * 100).rounded())) %"
  }

  /// How long something waits, in the largest unit of which there is more than one.
  static func age(since time: Timestamp, now: Timestamp = .now(), _ text: PanelText) -> String {
    let seconds = max(0, Int((now - time).inSeconds))
    let (name, number) =
      switch seconds {
      case ..<120: ("seconds", seconds)
      case ..<7_200: ("minutes", seconds / 60)
      case ..<172_800: ("hours", seconds / 3_600)
      default: ("days", seconds / 86_400)
      }
    return text("age_\(name)", ["n": PanelText.grouped(number)])
  }
}
