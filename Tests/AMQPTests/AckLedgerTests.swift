import Testing

@testable import AMQP

@Suite struct AckLedgerTests {
  private func ledger(_ count: UInt64) throws -> AckLedger {
    var ledger = AckLedger()
    for tag in 1...count { try ledger.deliver(tag) }
    return ledger
  }

  @Test("A run from the lowest tag on is told in one frame")
  func run() throws {
    var ledger = try ledger(5)
    for tag in [UInt64(2), 1, 3] { ledger.acknowledge(tag, multiple: false) }
    #expect(ledger.takeFrames() == [.init(tag: 3, multiple: true)])
    #expect(ledger.unacknowledged == 2)
  }

  @Test("Beyond a gap each is told by itself, and the gap's frame names a tag that is still outstanding")
  func gap() throws {
    var ledger = try ledger(4)
    ledger.acknowledge(2, multiple: false)
    ledger.acknowledge(4, multiple: false)
    #expect(ledger.takeFrames() == [.init(tag: 2, multiple: false), .init(tag: 4, multiple: false)])
    ledger.acknowledge(1, multiple: false)
    #expect(ledger.takeFrames() == [.init(tag: 1, multiple: false)])
    ledger.acknowledge(3, multiple: false)
    #expect(ledger.takeFrames() == [.init(tag: 3, multiple: false)])
  }

  @Test("A second acknowledgement says nothing")
  func twice() throws {
    var ledger = try ledger(3)
    ledger.acknowledge(2, multiple: true)
    _ = ledger.takeFrames()
    ledger.acknowledge(1, multiple: false)
    ledger.acknowledge(2, multiple: true)
    ledger.acknowledge(9, multiple: false)
    #expect(!ledger.hasNews && ledger.takeFrames().isEmpty)
  }

  @Test("A multiple acknowledgement covers all earlier deliveries")
  func multiple() throws {
    var ledger = try ledger(3)
    ledger.acknowledge(3, multiple: true)
    #expect(ledger.takeFrames() == [.init(tag: 3, multiple: true)])
    #expect(ledger.unacknowledged == 0)
    try ledger.deliver(4)
    ledger.acknowledge(4, multiple: false)
    #expect(ledger.takeFrames() == [.init(tag: 4, multiple: false)])
  }

  @Test("A gap in the tags is an error")
  func order() throws {
    var ledger = try ledger(1)
    #expect(throws: AMQPError.self) { try ledger.deliver(3) }
  }
}
