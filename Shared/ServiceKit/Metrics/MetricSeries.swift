import CoreMetrics
import NIOConcurrencyHelpers

/// One series: its numbers under one set of labels.
protocol MetricSeries: AnyObject, Sendable {
  /// Appends its lines.
  func write(_ name: String, _ labels: MetricLabels, to text: inout String)
}

/// Only rises.
final class CounterSeries: MetricSeries, CounterHandler, FloatingPointCounterHandler {
  private let value = NIOLockedValueBox(0.0)

  func increment(by amount: Int64) { increment(by: Double(amount)) }

  func increment(by amount: Double) {
    guard amount > 0, amount.isFinite else { return }
    value.withLockedValue { $0 += amount }
  }

  func reset() { value.withLockedValue { $0 = 0 } }

  func write(_ name: String, _ labels: MetricLabels, to text: inout String) {
    text += "\(name)\(labels.text) \(MetricNumber.text(value.withLockedValue { $0 }))\n"
  }
}

/// The value last set.
final class GaugeSeries: MetricSeries, MeterHandler, RecorderHandler {
  private let value = NIOLockedValueBox(0.0)

  func set(_ value: Int64) { set(Double(value)) }
  func set(_ value: Double) { self.value.withLockedValue { $0 = value } }
  func increment(by amount: Double) { value.withLockedValue { $0 += amount } }
  func decrement(by amount: Double) { value.withLockedValue { $0 -= amount } }
  func record(_ value: Int64) { set(Double(value)) }
  func record(_ value: Double) { set(value) }

  func write(_ name: String, _ labels: MetricLabels, to text: inout String) {
    text += "\(name)\(labels.text) \(MetricNumber.text(value.withLockedValue { $0 }))\n"
  }
}

/// How many observations were at most each bound. Times are in seconds.
final class HistogramSeries: MetricSeries, RecorderHandler, TimerHandler {
  private struct State {
    var counts: [Int]
    var total = 0
    var sum = 0.0
  }

  private let bounds: [Double]
  private let state: NIOLockedValueBox<State>

  init(bounds: [Double]) {
    self.bounds = bounds
    state = NIOLockedValueBox(State(counts: [Int](repeating: 0, count: bounds.count)))
  }

  func record(_ value: Int64) { record(Double(value)) }

  func record(_ value: Double) {
    guard !value.isNaN else { return }
    state.withLockedValue { state in
      state.total += 1
      state.sum += value
      if let index = bounds.firstIndex(where: { value <= $0 }) { state.counts[index] += 1 }
    }
  }

  func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

  func write(_ name: String, _ labels: MetricLabels, to text: inout String) {
    let state = state.withLockedValue { $0 }
    var below = 0
    for (bound, count) in zip(bounds, state.counts) {
      below += count
      text += "\(name)_bucket\(labels.with(bound: MetricNumber.text(bound))) \(below)\n"
    }
    text += "\(name)_bucket\(labels.with(bound: "+Inf")) \(state.total)\n"
    text += "\(name)_sum\(labels.text) \(MetricNumber.text(state.sum))\n"
    text += "\(name)_count\(labels.text) \(state.total)\n"
  }
}
