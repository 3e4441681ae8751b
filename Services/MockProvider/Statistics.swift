/// What a provider has seen since the last reset.
struct Statistics: Sendable, Equatable {
  var arrivals = 0
  /// Messages that the provider took, whatever its answer was.
  var accepted = 0
  /// Arrivals that were refused because they were over the limit.
  var refused = 0
  /// Arrivals over the limit.
  var violations = 0
  /// Requests that met a fault.
  var faulted = 0
  /// Messages taken although the same text to the same number had been taken before.
  var duplicates = 0
  /// Arrivals of a number and text that had arrived before, taken or not.
  var repeats = 0
  var byStatus: [String: Int] = [:]
  var first: Stamp?
  var last: Stamp?

  /// Arrivals per second between the first and the last; `nil` for fewer than two.
  var meanRate: Double? {
    guard let first, let last, arrivals > 1, last.monotonicNs > first.monotonicNs else { return nil }
    return Double(arrivals - 1) / (Double(last.monotonicNs - first.monotonicNs) / 1e9)
  }
}
