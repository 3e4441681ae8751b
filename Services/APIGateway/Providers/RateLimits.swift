import Contracts
import Metering

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
      let paces = snapshot.providers.compactMap(\.pace)
      let current = paces.reduce(0) { $0 + ($1.current ?? 0) }
      Self.write(limit: snapshot.globalRate, current: current, isHeld: false, &json)
      let effective = paces.filter(\.isGoing).reduce(0) { $0 + $1.effectiveRate }
      json.member("effective_rate", number: min(effective, snapshot.globalRate ?? .infinity))
      // Only a provider's gate closes for a time.
      json.member("paused_until", Timestamp?.none)
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
