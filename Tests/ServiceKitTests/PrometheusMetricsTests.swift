import CoreMetrics
import ServiceKit
import Testing

@Suite("Prometheus metrics")
struct PrometheusMetricsTests {
  @Test("are written with their description, kind, sorted labels and values")
  func exposition() {
    let metrics = PrometheusMetrics()
    metrics.describe(["sluice.units_total": "Units by end.\nA back\\slash."])
    let labels = [("provider", "hkt"), ("outcome", "sent")]
    metrics.makeCounter(label: "sluice.units_total", dimensions: labels).increment(by: 2)
    metrics.makeCounter(label: "sluice.units_total", dimensions: labels.reversed()).increment(by: 1)
    metrics.makeMeter(label: "sluice_rate", dimensions: []).set(1.5)
    #expect(
      metrics.exposition() == """
        # TYPE sluice_rate gauge
        sluice_rate 1.5
        # HELP sluice_units_total Units by end.\\nA back\\\\slash.
        # TYPE sluice_units_total counter
        sluice_units_total{outcome="sent",provider="hkt"} 3

        """)
  }

  @Test("escape label values and replace what a name may not hold")
  func escapes() {
    let metrics = PrometheusMetrics()
    metrics.makeCounter(label: "1 bad-name", dimensions: [("a.b", "quote\" back\\ line\n")]).increment(by: 1)
    #expect(metrics.exposition().contains(#"__bad_name{a_b="quote\" back\\ line\n"} 1"#))
  }

  @Test("count a timer's observations in cumulative buckets of seconds")
  func histogram() {
    let metrics = PrometheusMetrics()
    metrics.setBounds([0.1, 1], of: "call_seconds")
    let timer = metrics.makeTimer(label: "call_seconds", dimensions: [("provider", "a")])
    for nanoseconds in [50_000_000, 100_000_000, 500_000_000, 5_000_000_000] as [Int64] {
      timer.recordNanoseconds(nanoseconds)
    }
    #expect(
      metrics.exposition() == """
        # TYPE call_seconds histogram
        call_seconds_bucket{provider="a",le="0.1"} 2
        call_seconds_bucket{provider="a",le="1"} 3
        call_seconds_bucket{provider="a",le="+Inf"} 4
        call_seconds_sum{provider="a"} 5.65
        call_seconds_count{provider="a"} 4

        """)
  }

  @Test("give a name to the kind that used it first, and forget what is destroyed")
  func kindsAndRemoval() {
    let metrics = PrometheusMetrics()
    let counter = metrics.makeCounter(label: "x", dimensions: [])
    counter.increment(by: 1)
    metrics.makeMeter(label: "x", dimensions: []).set(9.0)
    #expect(metrics.exposition() == "# TYPE x counter\nx 1\n")
    metrics.destroyCounter(counter)
    #expect(metrics.exposition().isEmpty)
  }
}
