import Testing

@testable import AMQP

@Suite struct PublishBookTests {
  private typealias Book = PublishBook<Int>
  private let now = ContinuousClock.now

  private func book(_ ids: ClosedRange<UInt64>, size: Int = 10) -> Book {
    var book = Book()
    for id in ids { add(id, to: &book, size: size) }
    return book
  }

  private func add(_ id: UInt64, to book: inout Book, size: Int = 10, deadline: ContinuousClock.Instant? = nil) {
    let message = AMQPMessage(body: Array(repeating: 0, count: size))
    book.add(
      .init(id: id, message: message, exchange: "x", routingKey: "k"), deadline: deadline, waiter: Int(id))
  }

  @Test("No more are taken than the window has room for")
  func window() {
    var book = book(1...5)
    #expect(book.take(outstanding: 1, window: 4, room: 1000, now: now).map(\.id) == [1, 2, 3])
    #expect(book.take(outstanding: 4, window: 4, room: 1000, now: now).isEmpty)
    #expect(book.take(outstanding: 0, window: 4, room: 1000, now: now).map(\.id) == [4, 5])
    #expect(book.hasNothingPending)
  }

  @Test("No more bytes are taken than there is room for, but a message alone always goes")
  func bytes() {
    var book = book(1...3, size: 100)
    #expect(book.take(outstanding: 1, window: 9, room: 99, now: now).isEmpty)
    #expect(book.take(outstanding: 0, window: 9, room: 99, now: now).map(\.id) == [1])
    #expect(book.take(outstanding: 1, window: 9, room: 200, now: now).map(\.id) == [2, 3])
  }

  @Test("What has left is neither written nor written again")
  func withdrawn() {
    var book = book(1...4)
    #expect(book.remove(2)?.wasWritten == false)
    #expect(book.take(outstanding: 0, window: 2, room: 1000, now: now).map(\.id) == [1, 3])
    #expect(book.remove(1)?.wasWritten == true)
    book.requeue([1, 3], areSuspects: false)
    #expect(book.take(outstanding: 0, window: 9, room: 1000, now: now).map(\.id) == [3, 4])
    #expect(book.remove(1) == nil)
  }

  @Test("Lost ones go before those that were never written, one at a time while one of them is suspected")
  func suspects() {
    var book = book(1...5)
    let taken = book.take(outstanding: 0, window: 3, room: 1000, now: now).map(\.id)
    book.requeue(taken, areSuspects: true)
    for id in UInt64(1)...3 {
      #expect(book.take(outstanding: 0, window: 3, room: 1000, now: now).map(\.id) == [id])
      #expect(book.take(outstanding: 1, window: 3, room: 1000, now: now).isEmpty)
      _ = book.remove(id)
    }
    #expect(book.take(outstanding: 0, window: 3, room: 1000, now: now).map(\.id) == [4, 5])
  }

  @Test("Those whose time is up leave, written or not")
  func expiry() {
    let start = ContinuousClock.now
    var book = Book()
    add(1, to: &book, deadline: start + .seconds(1))
    add(2, to: &book, deadline: start + .seconds(3))
    add(3, to: &book)
    _ = book.take(outstanding: 0, window: 1, room: 1000, now: now)
    #expect(book.nextDeadline == start + .seconds(1))
    #expect(book.removeExpired(now: start + .milliseconds(999)).isEmpty)
    let expired = book.removeExpired(now: start + .seconds(1))
    #expect(expired.map(\.waiter) == [1] && expired.map(\.wasWritten) == [true])
    #expect(book.nextDeadline == start + .seconds(3))
    #expect(book.count == 2)
  }

  @Test("A refused one is tried again after a while that grows, and at its end is known as refused")
  func refused() {
    var book = Book()
    add(1, to: &book, deadline: now + .seconds(9))
    var now = now
    for pause in [50, 100, 200, 400, 800, 1000, 1000] {
      #expect(book.take(outstanding: 0, window: 9, room: 1000, now: now).map(\.id) == [1])
      book.postpone(1, now: now)
      #expect(book.nextRetry == now + .milliseconds(pause))
      #expect(book.take(outstanding: 0, window: 9, room: 1000, now: now).isEmpty)
      now += .milliseconds(pause)
    }
    let expired = book.removeExpired(now: now + .seconds(9))
    #expect(expired.map(\.isRefused) == [true] && expired.map(\.wasWritten) == [false])
    #expect(book.take(outstanding: 0, window: 9, room: 1000, now: now + .seconds(9)).isEmpty)
  }
}
