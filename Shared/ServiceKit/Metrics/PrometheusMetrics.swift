import CoreMetrics
import NIOConcurrencyHelpers

/// Keeps what swift-metrics measures and writes it in Prometheus' text format.
///
/// Counters are counters, meters and gauges are gauges, timers are histograms in seconds, recorders histograms over
/// 1, 2, 5, … 10⁶ (or bounds of their own). A name belongs to the kind that used it first; under another kind it measures
/// nothing. Name a timer `…_seconds` and a counter `…_total`.
public final class PrometheusMetrics: MetricsFactory {
  /// The registry of the process, which `ServiceRunner` installs.
  public static let shared = PrometheusMetrics()

  private enum Kind: String {
    case counter, gauge, histogram
  }

  private struct Family {
    var kind: Kind
    var series: [MetricLabels: any MetricSeries] = [:]
  }

  private struct State {
    var families: [String: Family] = [:]
    var descriptions: [String: String] = [:]
    var bounds: [String: [Double]] = [:]
  }

  private let state = NIOLockedValueBox(State())

  public init() {}

  /// What the metrics mean, by name: the HELP line, which is a metric's manual.
  public func describe(_ descriptions: [String: String]) {
    state.withLockedValue { state in
      for (name, text) in descriptions { state.descriptions[MetricName.sanitize(name)] = text }
    }
  }

  /// Sets a histogram's bounds, in rising order. Has no effect on series that exist.
  public func setBounds(_ bounds: [Double], of name: String) {
    state.withLockedValue { $0.bounds[MetricName.sanitize(name)] = bounds }
  }

  /// All metrics in text format 0.0.4, families and series in the order of their names.
  public func exposition() -> String {
    let (families, descriptions) = state.withLockedValue { ($0.families, $0.descriptions) }
    var text = ""
    for (name, family) in families.sorted(by: { $0.key < $1.key }) {
      if let help = descriptions[name] {
        text += "# HELP \(name) \(help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n"))\n"
      }
      text += "# TYPE \(name) \(family.kind.rawValue)\n"
      for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) { series.write(name, labels, to: &text) }
    }
    return text
  }

  public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    series(label, dimensions, .counter) { _ in CounterSeries() } ?? NOOPMetricsHandler.instance
  }

  public func makeFloatingPointCounter(
    label: String, dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler {
    series(label, dimensions, .counter) { _ in CounterSeries() } ?? NOOPMetricsHandler.instance
  }

  public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    series(label, dimensions, .gauge) { _ in GaugeSeries() } ?? NOOPMetricsHandler.instance
  }

  public func makeRecorder(
    label: String, dimensions: [(String, String)], aggregate: Bool
  ) -> any RecorderHandler {
    if aggregate {
      series(label, dimensions, .histogram) { HistogramSeries(bounds: $0 ?? Self.sizes) }
        ?? NOOPMetricsHandler.instance
    } else {
      series(label, dimensions, .gauge) { _ in GaugeSeries() } ?? NOOPMetricsHandler.instance
    }
  }

  public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    series(label, dimensions, .histogram) { HistogramSeries(bounds: $0 ?? Self.seconds) }
      ?? NOOPMetricsHandler.instance
  }

  public func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
  public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
  public func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
  public func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
  public func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

  private static let seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
  private static let sizes: [Double] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000, 1_000_000,
  ]

  /// The series of this name and these labels, made when it is new; `nil` when the name belongs to another kind.
  private func series<Series: MetricSeries>(
    _ label: String, _ dimensions: [(String, String)], _ kind: Kind, make: ([Double]?) -> Series
  ) -> Series? {
    let name = MetricName.sanitize(label)
    let labels = MetricLabels(dimensions)
    return state.withLockedValue { state in
      var family = state.families[name] ?? Family(kind: kind)
      guard family.kind == kind else { return nil }
      if let known = family.series[labels] { return known as? Series }
      let new = make(state.bounds[name])
      family.series[labels] = new
      state.families[name] = family
      return new
    }
  }

  private func remove(_ handler: AnyObject) {
    state.withLockedValue { state in
      for (name, family) in state.families {
        guard let labels = family.series.first(where: { $0.value === handler })?.key else { continue }
        state.families[name]?.series[labels] = nil
        if state.families[name]?.series.isEmpty == true { state.families[name] = nil }
        return
      }
    }
  }
}
