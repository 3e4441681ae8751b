import Testing

@testable import AMQP

@Suite struct StreamCursorTests {
  private func accepts(_ offsets: [UInt64], _ cursor: inout StreamCursor) -> [Bool] {
    offsets.map { cursor.accept($0) }
  }

  @Test("It goes on after the last message")
  func resume() {
    var cursor = StreamCursor(initial: .first)
    #expect(cursor.start(nowSeconds: 1) == .first)
    #expect(accepts([0, 1], &cursor) == [true, true])
    #expect(accepts([1], &cursor) == [false])
    #expect(cursor.start(nowSeconds: 2) == .offset(2))
  }

  @Test("What was taken back comes again")
  func takeBack() {
    var cursor = StreamCursor(initial: .first)
    for offset in UInt64(5)...9 { _ = cursor.accept(offset) }
    cursor.takeBack(9)
    cursor.takeBack(8)
    #expect(cursor.start(nowSeconds: 1) == .offset(8))
    #expect(accepts([8], &cursor) == [true])
  }

  @Test("From next on, nothing is missed when the first connection brought nothing")
  func next() {
    var cursor = StreamCursor(initial: .next)
    #expect(cursor.start(nowSeconds: 100) == .next)
    #expect(cursor.start(nowSeconds: 200) == .timestamp(100))
  }

  @Test("After a move nothing is accepted until the next start")
  func move() {
    var cursor = StreamCursor(initial: .first)
    #expect(accepts([7], &cursor) == [true])
    cursor.move(to: 3)
    #expect(accepts([8], &cursor) == [false])
    #expect(cursor.start(nowSeconds: 1) == .offset(3))
    #expect(accepts([3], &cursor) == [true])
  }
}
