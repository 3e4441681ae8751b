import Testing

@testable import AMQP

@Suite struct StreamCursorTests {
  @Test("It goes on after the last message")
  func resume() {
    var cursor = StreamCursor(initial: .first)
    #expect(cursor.start(nowSeconds: 1) == .first)
    #expect(cursor.accept(0) && cursor.accept(1))
    #expect(!cursor.accept(1))
    #expect(cursor.start(nowSeconds: 2) == .offset(2))
  }

  @Test("What was taken back comes again")
  func takeBack() {
    var cursor = StreamCursor(initial: .first)
    for offset in UInt64(5)...9 { #expect(cursor.accept(offset)) }
    cursor.takeBack(9)
    cursor.takeBack(8)
    #expect(cursor.start(nowSeconds: 1) == .offset(8))
    #expect(cursor.accept(8))
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
    #expect(cursor.accept(7))
    cursor.move(to: 3)
    #expect(!cursor.accept(8))
    #expect(cursor.start(nowSeconds: 1) == .offset(3))
    #expect(cursor.accept(3))
  }
}
