import Contracts
import ServiceKit
import Testing

@testable import APIGateway

@Suite("Providers as a replica knows them")
struct ProviderViewTests {
  private func heads(_ states: [String: String], epoch: Int64 = 1) -> QueueChanged {
    QueueChanged(
      asOf: .now(), isComplete: false, epoch: epoch, virtualTime: 0, classes: [], flows: [],
      providers: states.sorted { $0.key < $1.key }.map {
        ProviderPace(provider: $0.key, effectiveRate: 5, nominalRate: 10, state: $0.value, inFlight: 1, weight: 3)
      }, globalRate: 200, isSending: true)
  }

  @Test("Before the scheduler has said anything, the file's settings are known and no state is")
  func fileOnly() {
    let view = ProviderView([.provider1])
    #expect(view["provider1"]?.rate == 50)
    #expect(view["provider1"]?.state == nil)
    #expect(view["provider2"] == nil)
    #expect(view.snapshot.asOf == nil)
  }

  @Test("Of the file only what everybody may see is kept")
  func withoutSecrets() throws {
    let file = try ProvidersFile.parse(
      """
      providers:
        - name: hkt
          adapter: hkt
          url: https://user:secret@sms.example/gateway.jsp?key=secret
          application: secret
          sender_number: "85212345678"
          rate: 5
          window_s: 2
      """, environment: [:])
    let provider = try #require(file.providers.first.map(ConfiguredProvider.init))
    #expect(
      provider
        == ConfiguredProvider(
          name: "hkt", adapter: "hkt", url: "https://sms.example/gateway.jsp", rate: 5, windowSeconds: 2, weight: 1))
    #expect(!"\(provider)".contains("secret"))
  }

  @Test("The last word on a state counts, whichever fact has it")
  func lastWord() {
    let view = ProviderView([.provider1])
    view.apply(heads(["provider1": "healthy"]))
    #expect(view["provider1"]?.weight == 3)
    view.apply(
      ProvidersChanged(providers: [
        .init(
          name: "provider1", adapter: "json", url: "http://x/", rate: 7, windowSeconds: 2, weight: 4, state: "paused",
          pauseReason: "admin", overridden: ["rate"])
      ]))
    let standing = view["provider1"]
    #expect(standing?.state == "paused")
    #expect(standing?.pauseReason == "admin")
    #expect(standing?.rate == 7)
    #expect(standing?.weight == 4)
    #expect(standing?.overridden == ["rate"])
    view.apply(heads(["provider1": "healthy"]))
    #expect(view["provider1"]?.state == "healthy")
    #expect(view["provider1"]?.rate == 7)
  }

  @Test("An older leader's word is ignored, and who is named no more is gone unless the file has them")
  func epochs() {
    let view = ProviderView([.provider1])
    view.apply(heads(["provider1": "healthy", "other": "healthy"], epoch: 2))
    #expect(view.snapshot.providers.map(\.name) == ["other", "provider1"])
    view.apply(heads(["provider1": "unhealthy"], epoch: 1))
    #expect(view["provider1"]?.state == "healthy")
    view.apply(heads([:], epoch: 2))
    #expect(view.snapshot.providers.map(\.name) == ["provider1"])
  }
}
