import Contracts
import Metering
import Testing

@testable import APIGateway

@Suite("When a replay is through")
struct ReplayForecastTests {
  private let user = UserID.timeOrdered()

  /// Two providers at 1 a second and one at 50, all idle.
  private var queue: QueueSnapshot {
    let view = QueueView()
    view.apply(
      QueueChanged(
        asOf: .now(), isComplete: true, epoch: 1, virtualTime: 0, classes: [], flows: [],
        providers: [("fast", 50.0), ("slow1", 1.0), ("slow2", 1.0)].map {
          ProviderPace(provider: $0.0, effectiveRate: $0.1, nominalRate: $0.1, state: "healthy", inFlight: 0)
        }, globalRate: nil, isSending: true))
    return view.snapshot
  }

  private func seconds(pin: String? = nil, providers: [String]? = nil, by provider: String? = nil) throws -> Double {
    let group = ReplayForecast.Group(
      userID: user, pinnedProvider: pin, providers: providers, letters: 100, segments: 100)
    let forecast = ReplayForecast(groups: [group], messageClass: .bulk, provider: provider, weights: [:])
    let now = Timestamp.now()
    return (try #require(forecast.completion(in: queue, now: now)) - now) / .seconds(1)
  }

  @Test("letters that two slow providers may carry take what these two take")
  func allowed() throws {
    #expect(try (1..<10).contains(seconds()), "all providers together")
    #expect(try (40..<60).contains(seconds(providers: ["slow1", "slow2"])))
    #expect(try (90..<110).contains(seconds(pin: "slow1", providers: ["slow1", "slow2"])), "its own pin is narrower")
  }

  @Test("a replay by a provider goes by that one, whatever was allowed")
  func chosen() throws {
    #expect(try (1..<10).contains(seconds(providers: ["slow1", "slow2"], by: "fast")))
  }
}
