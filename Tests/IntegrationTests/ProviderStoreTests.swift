import Contracts
import Metering
import Postgres
import Testing

@testable import Scheduler

@Suite("The scheduler's providers in the store", .serialized)
struct ProviderStoreTests {
  private let file = ProviderStore.FileSettings(name: "hkt", limit: SchedulerDatabase.limit, weight: 1)

  private func set(_ store: ProviderStore, _ command: ProviderSet) async throws -> ProviderStore.Stored? {
    try await store.set(command, Envelope(command).header, file: file) { stored in
      ProvidersChanged.Entry(
        name: "hkt", adapter: "hkt", url: "http://localhost", rate: stored.limit.count, windowSeconds: 1,
        weight: stored.weight, state: "healthy", overridden: stored.overridden)
    }?.stored
  }

  @Test("an admin's settings win over the file, survive a restart, and end with null")
  func overrides() async throws {
    try await SchedulerDatabase.with { database in
      let store = ProviderStore(term: database.term)
      let first = try #require(try await store.load([file])["hkt"])
      #expect(first.limit.count == 2 && first.overridden.isEmpty)
      let slower = try #require(try await set(store, ProviderSet(provider: "hkt", rate: .value(1), weight: .value(3))))
      #expect(slower.limit.count == 1 && slower.weight == 3 && slower.overridden == ["rate", "weight"])
      #expect(slower.limit.version > first.limit.version, "gates must know the newer limit")
      let restarted = try #require(try await store.load([file])["hkt"])
      #expect(restarted.limit == slower.limit && restarted.weight == 3)
      let back = try #require(try await set(store, ProviderSet(provider: "hkt", rate: .file, weight: .file)))
      #expect(back.limit.count == 2 && back.weight == 1 && back.overridden.isEmpty)
      #expect(back.limit.version > slower.limit.version)
    }
  }

  @Test("a pause survives a restart; false lifts one after refused credentials")
  func pauses() async throws {
    try await SchedulerDatabase.with { database in
      let store = ProviderStore(term: database.term)
      _ = try await store.load([file])
      let paused = try #require(try await set(store, ProviderSet(provider: "hkt", isPaused: .value(true))))
      #expect(paused.condition.pause == .admin)
      let resumed = try #require(try await set(store, ProviderSet(provider: "hkt", isPaused: .file)))
      #expect(resumed.condition.pause == nil)
      var condition = ProviderState.Condition()
      condition.pause = .credentials
      condition.halving = AdaptiveRate.Halving(rate: 0.5, at: 1_000_000)
      condition.unhealthyUntil = 2_000_000
      condition.sent = 17
      try await store.save([("hkt", condition)])
      let stored = try #require(try await store.load([file])["hkt"])
      #expect(stored.condition == condition)
      let lifted = try #require(try await set(store, ProviderSet(provider: "hkt", isPaused: .value(false))))
      #expect(lifted.condition.pause == nil)
    }
  }

  @Test("the switch for all sending stays where it is put")
  func sending() async throws {
    try await SchedulerDatabase.with { database in
      let store = ProviderStore(term: database.term)
      let header = Envelope(SendingStop()).header
      let facts = try #require(try await store.setSending(false, header, inFlight: 3))
      #expect(try facts.answer().counts?.sending == 3)
      let repeated = try await store.setSending(false, header, inFlight: 3)
      let isSending = try await store.isSending()
      #expect(repeated == nil && !isSending)
    }
  }
}
