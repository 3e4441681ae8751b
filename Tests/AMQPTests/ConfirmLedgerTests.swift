import Testing

@testable import AMQP

@Suite struct ConfirmLedgerTests {
  private func ledger(_ count: Int) -> ConfirmLedger {
    var ledger = ConfirmLedger()
    for number in 0..<count { ledger.append(id: UInt64(100 + number), bytes: 10, address: address(number)) }
    return ledger
  }

  private func address(_ number: Int) -> ConfirmLedger.Address {
    .init(messageID: "m\(number)", exchange: "x", routingKey: "k")
  }

  @Test("The n-th publish is settled by tag n, in any order")
  func singleTags() throws {
    var ledger = ledger(3)
    var settled: [ConfirmLedger.Settlement] = []
    try ledger.settle(tag: 3, multiple: false, isAck: true, into: &settled)
    try ledger.settle(tag: 1, multiple: false, isAck: true, into: &settled)
    try ledger.settle(tag: 2, multiple: false, isAck: false, into: &settled)
    #expect(
      settled == [
        .init(id: 102, outcome: .confirmed), .init(id: 100, outcome: .confirmed), .init(id: 101, outcome: .refused),
      ])
    #expect(ledger.count == 0 && ledger.bytes == 0)
  }

  @Test("A multiple confirmation settles what is outstanding up to its tag, once")
  func multiple() throws {
    var ledger = ledger(5)
    var settled: [ConfirmLedger.Settlement] = []
    try ledger.settle(tag: 2, multiple: false, isAck: true, into: &settled)
    try ledger.settle(tag: 4, multiple: true, isAck: true, into: &settled)
    #expect(settled.map(\.id) == [101, 100, 102, 103])
    #expect(ledger.count == 1 && ledger.bytes == 10)
    try ledger.settle(tag: 3, multiple: true, isAck: true, into: &settled)
    #expect(settled.count == 4)
  }

  @Test("Tag 0 with multiple settles everything")
  func multipleZero() throws {
    var ledger = ledger(3)
    var settled: [ConfirmLedger.Settlement] = []
    try ledger.settle(tag: 0, multiple: true, isAck: false, into: &settled)
    #expect(settled.map(\.id) == [100, 101, 102] && settled.allSatisfy { $0.outcome == .refused })
  }

  @Test("A returned message is unroutable although it is acknowledged")
  func returned() throws {
    var ledger = ledger(3)
    var settled: [ConfirmLedger.Settlement] = []
    ledger.markReturned(address(1), reason: "312 NO_ROUTE")
    try ledger.settle(tag: 3, multiple: true, isAck: true, into: &settled)
    #expect(settled.map(\.outcome) == [.confirmed, .unroutable("312 NO_ROUTE"), .confirmed])
  }

  @Test("Two returned messages with the same address are two")
  func returnedTwice() throws {
    var ledger = ConfirmLedger()
    let address = ConfirmLedger.Address(messageID: nil, exchange: "x", routingKey: "k")
    for id in 1...3 { ledger.append(id: UInt64(id), bytes: 1, address: address) }
    ledger.markReturned(address, reason: "a")
    ledger.markReturned(address, reason: "b")
    var settled: [ConfirmLedger.Settlement] = []
    try ledger.settle(tag: 3, multiple: true, isAck: true, into: &settled)
    #expect(settled.map(\.outcome) == [.unroutable("a"), .unroutable("b"), .confirmed])
  }

  @Test("A tag that was never published is an error")
  func unknownTag() {
    var ledger = ledger(1)
    var settled: [ConfirmLedger.Settlement] = []
    #expect(throws: AMQPError.self) {
      try ledger.settle(tag: 2, multiple: false, isAck: true, into: &settled)
    }
    #expect(throws: AMQPError.self) {
      try ledger.settle(tag: 0, multiple: false, isAck: true, into: &settled)
    }
  }

  @Test("After a reset the outstanding ones are named in order and tags begin at 1")
  func reset() throws {
    var ledger = ledger(4)
    var settled: [ConfirmLedger.Settlement] = []
    try ledger.settle(tag: 2, multiple: false, isAck: true, into: &settled)
    #expect(ledger.reset() == [100, 102, 103])
    ledger.append(id: 7, bytes: 1, address: address(0))
    settled = []
    try ledger.settle(tag: 1, multiple: false, isAck: true, into: &settled)
    #expect(settled == [.init(id: 7, outcome: .confirmed)])
  }
}
