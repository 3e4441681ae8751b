import Testing

@testable import AMQP

@Suite struct ReconnectDelayTests {
  @Test("The first attempt after a proven connection is at once, later ones wait 0.1 to 2 s")
  func delays() {
    var delay = ReconnectDelay()
    #expect(delay.afterLoss(heldFor: .seconds(60), hosts: 1, random: 0.5) == .zero)
    #expect(delay.afterLoss(heldFor: nil, hosts: 1, random: 0) == .milliseconds(100))
    #expect(delay.afterLoss(heldFor: nil, hosts: 1, random: 0.9999) < .seconds(2))
  }

  @Test("A connection that does not hold is no success")
  func flapping() {
    var delay = ReconnectDelay()
    #expect(delay.afterLoss(heldFor: .milliseconds(5), hosts: 1, random: 0.5) > .zero)
  }

  @Test("Every host is tried before waiting")
  func hosts() {
    var delay = ReconnectDelay()
    #expect(delay.afterLoss(heldFor: .seconds(9), hosts: 3, random: 0) == .zero)
    #expect(delay.afterLoss(heldFor: nil, hosts: 3, random: 0) == .zero)
    #expect(delay.afterLoss(heldFor: nil, hosts: 3, random: 0) == .zero)
    #expect(delay.afterLoss(heldFor: nil, hosts: 3, random: 0) > .zero)
  }
}
