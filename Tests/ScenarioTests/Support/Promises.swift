import TestSupport
import Testing

/// What must hold at the provider, whatever happened. Counted from the mock's own arrivals and clock.
enum Promises {
  /// In no sliding window more than so many arrivals: `a[i+count] − a[i] ≥ window` for every i.
  static func expectLimit(
    _ arrivals: [MockClient.Arrival], count: Int = 2, window: Duration = .seconds(1),
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let times = arrivals.map(\.monotonicNs).sorted()
    let gaps = times.indices.dropLast(count).map { Duration.nanoseconds(times[$0 + count] - times[$0]) }
    let tooShort = gaps.filter { $0 < window }
    let breaches = tooShort.count
    #expect(
      breaches == 0, "windows with more than \(count), of \(gaps.count); the worst took \(tooShort.min() ?? .zero)",
      sourceLocation: sourceLocation)
    #expect(!arrivals.contains { $0.violation }, sourceLocation: sourceLocation)
  }

  /// Arrivals a second, from the first to the last.
  static func meanRate(_ arrivals: [MockClient.Arrival]) -> Double {
    let times = arrivals.map(\.monotonicNs).sorted()
    guard let first = times.first, let last = times.last, last > first else { return 0 }
    return Double(times.count - 1) / (Double(last - first) / 1e9)
  }

  /// No number arrived twice.
  static func expectNoDuplicates(
    _ arrivals: [MockClient.Arrival], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let counts = Dictionary(grouping: arrivals, by: \.number).mapValues(\.count)
    #expect(counts.filter { $0.value > 1 }.isEmpty, "arrived more than once", sourceLocation: sourceLocation)
  }
}
