import Contracts
import Testing

@testable import StatusProjector

@Suite struct FoldedPauseTests {
  private let message = CommandTarget.message(.timeOrdered())
  private let user = CommandTarget.user(.timeOrdered())

  private func time(_ microseconds: Int64) -> Timestamp { Timestamp(microseconds: microseconds) }

  private func fold(_ facts: [Fact]) -> FoldedBatch {
    var batch = FoldedBatch(queueEpoch: -1)
    for fact in facts { batch.apply(LoggedFact(at: time(1), fact: fact)) }
    return batch
  }

  @Test("The latest of pause and resume is in force, in whatever order they come")
  func latest() {
    let paused = Fact.paused(MessagesPaused(targets: [message, user], changedAt: time(5)))
    let resumed = Fact.resumed(MessagesResumed(targets: [message], changedAt: time(9)))
    for facts in [[paused, resumed], [resumed, paused], [resumed, paused, resumed, paused]] {
      let pauses = fold(facts).pauses
      #expect(pauses[message] == FoldedPause(isPaused: false, changedAt: time(9)))
      #expect(pauses[user] == FoldedPause(isPaused: true, changedAt: time(5)))
    }
  }

  @Test("Of a pause and a resume of the same time the pause is in force")
  func sameTime() {
    let paused = Fact.paused(MessagesPaused(targets: [message], changedAt: time(5)))
    let resumed = Fact.resumed(MessagesResumed(targets: [message], changedAt: time(5)))
    #expect(fold([paused, resumed]) == fold([resumed, paused]))
    #expect(fold([resumed, paused]).pauses[message]?.isPaused == true)
  }
}
