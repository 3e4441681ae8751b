import NIOConcurrencyHelpers

/// All providers of the process. Callable from any thread; every call is short.
final class Mock: Sendable {
  private struct State {
    var ledgers: [String: ProviderLedger]
    var random: RandomDraw
  }

  private let state: NIOLockedValueBox<State>

  /// - Parameter seed: Fixes the draws for faults by percentage and for jitter.
  init(_ ledgers: [ProviderLedger], seed: UInt64) {
    let named = Dictionary(ledgers.map { ($0.name, $0) }) { _, last in last }
    state = NIOLockedValueBox(State(ledgers: named, random: RandomDraw(seed: seed)))
  }

  /// Stamps and counts an arrival; `nil` for an unknown provider.
  ///
  /// The clock is read under the lock, so stamps rise with the arrivals' numbers.
  func arrive(provider: String, connection: Int) -> ProviderLedger.Admission? {
    state.withLockedValue { state in
      let draw = state.random.next() * 100
      return state.ledgers[provider]?.arrive(at: .now(), connection: connection, draw: draw)
    }
  }

  func receive(
    _ body: [UInt8], in dialect: Dialect, provider: String, _ admission: ProviderLedger.Admission
  ) -> Reply {
    state.withLockedValue { state in
      let jitter = state.random.next()
      return state.ledgers[provider]?.receive(body, in: dialect, admission, jitter: jitter) ?? .reset
    }
  }

  func answered(provider: String, n: Int) {
    let now = Stamp.now().monotonicNs
    state.withLockedValue { $0.ledgers[provider]?.answered(n, atNs: now) }
  }

  /// Replaces the behaviour of the provider that the object names.
  func setBehaviour(_ object: JSONObject) throws(FieldError) {
    guard let provider = try object.string("provider") else { throw FieldError("provider", "is missing") }
    guard let standard = standard(of: provider) else { throw FieldError("provider", "is unknown") }
    let behaviour = try Behaviour(object, standard: standard)
    state.withLockedValue { $0.ledgers[provider]?.replaceBehaviour(behaviour) }
  }

  /// Resets the provider that the object names, or all.
  func reset(_ object: JSONObject) throws(FieldError) {
    try object.rejectUnknown(besides: ["provider"])
    guard let provider = try object.string("provider") else {
      state.withLockedValue { state in
        for name in state.ledgers.keys { state.ledgers[name]?.reset() }
      }
      return
    }
    guard standard(of: provider) != nil else { throw FieldError("provider", "is unknown") }
    state.withLockedValue { $0.ledgers[provider]?.reset() }
  }

  func statistics() -> StatisticsListing {
    state.withLockedValue { state in
      StatisticsListing(state.ledgers.values.sorted { $0.name < $1.name })
    }
  }

  /// Reads the query: `provider` (all when absent), `since` (an arrival's number), `limit` (1,000 unless given).
  func arrivals(_ query: Form) throws(FieldError) -> [ArrivalListing] {
    for name in query.names where !["provider", "since", "limit"].contains(name) {
      throw FieldError(name, "is unknown")
    }
    let since = try query.integer("since", in: 0...Int(Int32.max)) ?? 0
    let limit = try query.integer("limit", in: 1...100_000) ?? 1000
    let chosen = query["provider"]
    if let chosen, standard(of: chosen) == nil { throw FieldError("provider", "is unknown") }
    let rows = state.withLockedValue { state in
      state.ledgers.values.filter { chosen == nil || $0.name == chosen }.flatMap { ledger in
        ledger.listing(since: since, limit: limit).map { (ledger.name, $0) }
      }
    }
    return rows.sorted { ($0.1.at.monotonicNs, $0.1.n) < ($1.1.at.monotonicNs, $1.1.n) }.prefix(limit)
      .map { ArrivalListing(provider: $0.0, $0.1) }
  }

  private func standard(of provider: String) -> Behaviour? {
    state.withLockedValue { $0.ledgers[provider]?.standard }
  }
}
