import FoundationEssentials

/// The answer to `GET /stats`: an object with one entry per provider.
struct StatisticsListing: Encodable, Sendable {
  private let providers: [String: Provider]

  init(_ ledgers: [ProviderLedger]) {
    providers = Dictionary(uniqueKeysWithValues: ledgers.map { ($0.name, Provider($0)) })
  }

  func encode(to encoder: any Encoder) throws { try providers.encode(to: encoder) }

  struct Provider: Encodable, Sendable {
    let rate: Int
    let windowS: Double
    let arrivals, accepted, refused, violations, faulted, duplicates, repeats, maxInWindow: Int
    let meanRate: Double?
    let byStatus: [String: Int]
    let firstMonotonicNs, lastMonotonicNs: Int64?
    let firstAt, lastAt: String?

    init(_ ledger: ProviderLedger) {
      let seen = ledger.statistics
      rate = ledger.behaviour.rate
      windowS = ledger.behaviour.windowS
      arrivals = seen.arrivals
      accepted = seen.accepted
      refused = seen.refused
      violations = seen.violations
      faulted = seen.faulted
      duplicates = seen.duplicates
      repeats = seen.repeats
      maxInWindow = ledger.maxInWindow
      meanRate = seen.meanRate
      byStatus = seen.byStatus
      firstMonotonicNs = seen.first?.monotonicNs
      lastMonotonicNs = seen.last?.monotonicNs
      firstAt = seen.first?.wall.listed
      lastAt = seen.last?.wall.listed
    }
  }
}

/// One row of `GET /arrivals`.
struct ArrivalListing: Encodable, Sendable {
  let n: Int
  let provider: String
  let monotonicNs: Int64
  let wall, number, text, outcome: String
  let status: Int?
  let violation: Bool
  let answeredMonotonicNs: Int64?
  let connection: Int

  init(provider: String, _ arrival: Arrival) {
    n = arrival.n
    self.provider = provider
    monotonicNs = arrival.at.monotonicNs
    wall = arrival.at.wall.listed
    number = arrival.number
    text = arrival.text
    outcome = arrival.outcome.name
    status = arrival.status
    violation = arrival.isViolation
    answeredMonotonicNs = arrival.answeredNs
    connection = arrival.connection
  }
}

extension Arrival.Outcome {
  /// The name in listings; that of a fault is its kind.
  var name: String {
    switch self {
    case .incomplete: "incomplete"
    case .accepted: "accepted"
    case .refused: "refused"
    case .invalid: "invalid"
    case .fault(let effect): effect.name
    }
  }
}

extension Date {
  fileprivate var listed: String { formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)) }
}

extension Encodable {
  /// As JSON with snake_case names in a fixed order.
  func listed() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return [UInt8](try encoder.encode(self))
  }
}
