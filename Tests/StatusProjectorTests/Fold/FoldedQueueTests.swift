import Contracts
import Testing

@testable import StatusProjector

@Suite struct FoldedQueueTests {
  private let time = Timestamp(microseconds: 1)

  private func fold(_ facts: [Fact], queueEpoch: Int64 = 1) -> FoldedBatch {
    var batch = FoldedBatch(queueEpoch: queueEpoch)
    for fact in facts { batch.apply(LoggedFact(at: time, fact: fact)) }
    return batch
  }

  @Test("Heads of an older leader change nothing")
  func olderEpoch() {
    let batch = fold([.queue(.heads([1: 5], epoch: 2, complete: true))], queueEpoch: 3)
    #expect(batch.queue == nil)
    #expect(batch.providers.isEmpty)
    #expect(batch.queueEpoch == 3)
  }

  @Test("Partial heads change the flows that they name")
  func partial() {
    let batch = fold([
      .queue(.heads([1: 5, 2: 6], epoch: 1, complete: false)), .queue(.heads([2: 0], epoch: 1, complete: false)),
    ])
    #expect(batch.queue?.replacesFlows == false)
    #expect(batch.queue?.flows.mapValues(\.backlog) == [1: 5, 2: 0])
  }

  @Test("Complete heads, and the first ones of a new leader, replace all flows", arguments: [(1, true), (2, false)])
  func replacing(epoch: Int64, complete: Bool) {
    let batch = fold([
      .queue(.heads([1: 5], epoch: 1, complete: false)), .queue(.heads([2: 6], epoch: epoch, complete: complete)),
    ])
    #expect(batch.queue?.replacesFlows == true)
    #expect(batch.queue?.flows.mapValues(\.backlog) == [2: 6])
    #expect(batch.queueEpoch == epoch)
  }

  @Test("The last word on a provider's state counts, and complete heads drop the providers they do not name")
  func providers() {
    let batch = fold([
      .providers(.named("old", state: "healthy")), .providers(.named("hkt", state: "paused")),
      .queue(.heads([:], epoch: 1, complete: true, providers: ["hkt"])), .providers(.named("new", state: "probing")),
    ])
    #expect(batch.replacesProviders)
    #expect(batch.providers.mapValues(\.state) == ["hkt": "healthy", "new": "probing"])
    #expect(batch.providers["hkt"]?.settings?.rate == 5)
    #expect(batch.providers["hkt"]?.pace?.effectiveRate == 2)
  }
}
