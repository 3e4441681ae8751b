/// How a provider acts towards its senders.
struct Behaviour: Sendable, Equatable {
  /// At most this many arrivals in any window; 0 for no limit.
  var rate: Int
  var windowS: Double = 1
  /// Whether an arrival over the limit is refused; it is counted as a violation in any case.
  var refuses = true
  /// The status of a refusal; 429 comes with `Retry-After`.
  var violationStatus = 429
  var latencyMs: Double = 0
  /// Up to this much is added to the latency at random.
  var jitterMs: Double = 0
  /// Whether HKT's form is answered with a line of text instead of XML.
  var answersPlainly = false
  var faults: [Fault] = []

  var windowNs: Int64 { Int64(windowS * 1e9) }
}
