import Contracts

/// How much of the providers' limits is used, per second.
struct RateLimits {
  private let snapshot: ProviderView.Snapshot
  private let now: Timestamp

  init(_ snapshot: ProviderView.Snapshot, now: Timestamp) {
    self.snapshot = snapshot
    self.now = now
  }

  func write(_ json: inout JSONWriter) {
    json.object("providers") { json in
      for provider in snapshot.providers {
        guard let pace = provider.pace else { continue }
        let pausedUntil = pace.gateOpensAt.flatMap { $0 > now ? $0 : nil }
        json.object(named: provider.name) { json in
          Self.write(limit: pace.nominalRate, current: pace.current ?? 0, isHeld: pausedUntil != nil, &json)
          json.member("effective_rate", number: pace.effectiveRate)
          json.member("paused_until", pausedUntil)
        }
      }
    }
    json.object("global") { json in
      let current = snapshot.providers.reduce(0) { $0 + ($1.pace?.current ?? 0) }
      Self.write(limit: snapshot.globalRate, current: current, isHeld: false, &json)
    }
  }

  private static func write(limit: Double?, current: Int, isHeld: Bool, _ json: inout JSONWriter) {
    let remaining = limit.map { max(0, $0 - Double(current)) }
    json.member("limit", number: limit)
    json.member("current", current)
    json.member("remaining", number: remaining)
    json.member("limited", isHeld || remaining.map { $0 < 1 } ?? false)
  }
}
