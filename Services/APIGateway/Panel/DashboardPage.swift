/// The first page: how busy the gateway is, what of one's own is under way, and how the providers do.
struct DashboardPage: Sendable {
  let panel: Panel
  let history: ThroughputHistory

  struct Content: Sendable {
    var depth: String
    /// SMS a second that were sent in the last minute.
    var rate: String
    var limit: String?
    /// How many SMS of the day's limit are used.
    var use: String?
    var pending: String
    /// Not `completes`: a message without such a time would show this one.
    var allComplete: PanelTime?
    var providers: [Provider]
    var chart: ThroughputChart
    var messages: [PanelMessage]
    var hasMessages: Bool
  }

  struct Provider: Sendable {
    var name: String
    var state: PanelState
    var rate: String
    var inFlight: String
  }

  var routes: [Route] {
    [panel.page("/") { visit in visit.page(.dashboard, title: visit.text("nav_dashboard"), try await content(visit)) }]
  }

  private func content(_ visit: PanelVisit) async throws -> Content {
    let text = visit.text
    async let status = visit.get("/api/queue/status")
    async let list = visit.get("/api/sms", [("limit", "8")])
    async let hours = history.lastDay()
    async let lastMinute = history.lastMinute()
    async let me = visit.get("/api/auth/me")
    let queue = try await status
    let messages = try await list["messages"]?.elements.map { PanelMessage($0, visit) } ?? []
    let providers = queue["providers"]?.elements ?? []
    let limit = providers.reduce(0) { $0 + ($1["rate"]?.number ?? 0) }
    return Content(
      depth: PanelText.grouped(queue["queue_depth"]?.whole ?? 0), rate: Self.rate(try await lastMinute / 60),
      limit: limit > 0 ? text("capacity", ["limit": Self.rate(limit)]) : nil,
      use: AccountPage.use(try await me, text),
      pending: PanelText.grouped(
        (queue["your_messages"]?["pending"]?.whole ?? 0) + (queue["your_messages"]?["sending"]?.whole ?? 0)),
      allComplete: visit.clock.time(queue["your_messages"]?["estimated_complete_at"]),
      providers: providers.map { provider in
        Provider(
          name: provider["id"]?.text ?? "", state: PanelState(provider: provider["state"]?.text ?? "", text),
          rate: text(
            "rate_of",
            [
              "effective": Self.rate(provider["effective_rate"]?.number ?? 0),
              "rate": Self.rate(provider["rate"]?.number ?? 0),
            ]),
          inFlight: PanelText.grouped(provider["in_flight"]?.whole ?? 0))
      },
      chart: ThroughputChart(try await hours, visit), messages: messages, hasMessages: !messages.isEmpty)
  }

  /// SMS a second, with no more digits than it has.
  static func rate(_ value: Double) -> String {
    let tenths = (value * 10).rounded() / 10
    return tenths == tenths.rounded() ? PanelText.grouped(Int(tenths)) : "\(tenths)"
  }
}
