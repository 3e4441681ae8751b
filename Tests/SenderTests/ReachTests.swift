import Testing

@testable import Sender

@Suite("A sender's reach")
struct ReachTests {
  private let start = ContinuousClock.now

  private func fail(_ reach: inout Reach, _ provider: String, _ count: Int, after seconds: Int = 0) {
    for _ in 0..<count { reach.note(provider, isReached: false, now: start + .seconds(seconds)) }
  }

  @Test("it is cut off when all of late failed before the first byte at every provider that was tried")
  func cutOff() {
    var reach = Reach()
    #expect(!reach.isCutOff(now: start), "nothing was tried")
    fail(&reach, "a", 4)
    #expect(!reach.isCutOff(now: start))
    fail(&reach, "a", 1)
    #expect(reach.isCutOff(now: start))
    reach.note("b", isReached: true, now: start)
    #expect(!reach.isCutOff(now: start), "one provider is reached: the fault is the other's")
    fail(&reach, "b", 5)
    #expect(reach.isCutOff(now: start))
  }

  @Test("after a pause one attempt tells: another failure pauses again, a byte written ends it")
  func trial() {
    var reach = Reach()
    fail(&reach, "a", 5)
    reach.tryAgain()
    #expect(!reach.isCutOff(now: start) && reach.isDoubtful("a"))
    fail(&reach, "a", 1)
    #expect(reach.isCutOff(now: start))
    reach.note("a", isReached: true, now: start)
    #expect(!reach.isCutOff(now: start) && !reach.isDoubtful("a"))
  }

  @Test("what was tried long ago says nothing")
  func old() {
    var reach = Reach()
    reach.note("a", isReached: true, now: start)
    fail(&reach, "b", 5, after: 61)
    #expect(reach.isCutOff(now: start + .seconds(61)))
  }
}
