import Testing

@testable import StatusProjector

@Suite struct BatchBufferTests {
  private func buffer(count: Int = 500, bytes: Int = 1_000_000, linger: Duration = .seconds(60)) -> BatchBuffer<Int> {
    BatchBuffer(limits: BatchLimits(count: count, bytes: bytes, linger: linger)) { $0 }
  }

  @Test("A batch is given as soon as it is full", .timeLimit(.minutes(1)))
  func full() async {
    let buffer = buffer(count: 3)
    for number in 1...7 { buffer.append(number) }
    #expect(await buffer.next() == [1, 2, 3])
    #expect(await buffer.next() == [4, 5, 6])
    buffer.append(8)
    async let last = buffer.next()
    buffer.append(9)
    #expect(await last == [7, 8, 9])
  }

  @Test("A batch is full when its bytes are", .timeLimit(.minutes(1)))
  func bytes() async {
    let buffer = buffer(bytes: 100)
    for number in [60, 60, 500, 1] { buffer.append(number) }
    buffer.finish()
    #expect(await buffer.next() == [60, 60])
    #expect(await buffer.next() == [500])
    #expect(await buffer.next() == [1])
    #expect(await buffer.next() == nil)
  }

  @Test("A batch that does not fill is given once its first element has lingered", .timeLimit(.minutes(1)))
  func lingering() async {
    let buffer = buffer(linger: .milliseconds(20))
    async let first = buffer.next()
    buffer.append(1)
    #expect(await first == [1])
    async let second = buffer.next()
    buffer.append(2)
    #expect(await second == [2])
  }

  @Test("What is left when nothing more comes is given at once, then nothing", .timeLimit(.minutes(1)))
  func finishing() async {
    let buffer = buffer()
    buffer.append(1)
    async let batch = buffer.next()
    buffer.finish()
    #expect(await batch == [1])
    #expect(await buffer.next() == nil)
  }

  @Test("A cancelled reader gets nothing and leaves everything", .timeLimit(.minutes(1)))
  func cancellation() async {
    let buffer = buffer()
    let reader = Task { await buffer.next() }
    buffer.append(1)
    reader.cancel()
    #expect(await reader.value == nil)
    buffer.finish()
    #expect(await buffer.next() == [1])
  }
}
