/// The last day as bars, drawn here: the browser gets plain SVG.
struct ThroughputChart: Sendable {
  /// One hour's bars, in the picture's units.
  struct Bar: Sendable {
    var x: String
    var sentY: String
    var sentHeight: String
    var failedY: String
    var failedHeight: String
    /// `14:00: 120 sent, 3 failed`
    var title: String
  }

  struct Label: Sendable {
    var x: String
    var text: String
  }

  var bars: [Bar]
  var labels: [Label]
  /// What the line at the top stands for: the highest bar, in SMS an hour.
  var top: String
  /// All of it in words, for those who do not see it.
  var summary: String
  var isEmpty: Bool

  private static let (width, height, gap) = (20.0, 88.0, 4.0)

  init(_ hours: [ThroughputHistory.Hour], _ visit: PanelVisit) {
    let most = hours.map { $0.sent + $0.failed }.max() ?? 0
    let scale = most == 0 ? 0 : Self.height / Double(most)
    bars = hours.enumerated().map { place, hour in
      let (sent, failed) = (Double(hour.sent) * scale, Double(hour.failed) * scale)
      return Bar(
        x: Self.digits(Double(place) * (Self.width + Self.gap)), sentY: Self.digits(Self.height - sent + 10),
        sentHeight: Self.digits(sent), failedY: Self.digits(Self.height - sent - failed + 10),
        failedHeight: Self.digits(failed),
        title: visit.text(
          "chart_hour",
          [
            "hour": visit.clock.time(hour.start).clock, "sent": PanelText.grouped(hour.sent),
            "failed": PanelText.grouped(hour.failed),
          ]))
    }
    labels = stride(from: 0, to: hours.count, by: 6).map { place in
      Label(x: Self.digits(Double(place) * (Self.width + Self.gap)), text: visit.clock.time(hours[place].start).clock)
    }
    top = visit.text("chart_top", ["n": PanelText.grouped(most)])
    let (sent, failed) = (hours.reduce(0) { $0 + $1.sent }, hours.reduce(0) { $0 + $1.failed })
    summary = visit.text("chart_summary", ["sent": PanelText.grouped(sent), "failed": PanelText.grouped(failed)])
    isEmpty = most == 0
  }

  private static func digits(_ value: Double) -> String { String((value * 10).rounded() / 10) }
}
