import TestSupport
import Testing

@testable import AMQP

@Suite struct StreamTests {
  @Test("A stream is read from where it is asked to be", .timeLimit(.minutes(1)))
  func offsets() async throws {
    try await withVirtualHost { host in
      try await host.fillQueue("s", type: "stream", with: 0..<10)
      for (start, first) in [(StreamOffset.first, 0), (.offset(6), 6)] {
        let consumer = try host.consumer(.init(queue: "s", prefetch: 20, streamOffset: start))
        try await withRunning(consumer) {
          let read = try await consumer.take(10 - first)
          #expect(read.map(\.number) == Array(first..<10))
          #expect(read.map(\.streamOffset) == (first..<10).map { UInt64($0) })
        }
      }
      let consumer = try host.consumer(.init(queue: "s", prefetch: 20, streamOffset: .next))
      try await withRunning(consumer) {
        try await eventually("ready") { consumer.isReady }
        try await host.publish(10..<11, to: "s")
        #expect(try await consumer.take(1).map(\.number) == [10])
      }
    }
  }

  @Test("After a reconnect it goes on behind the last message that was read", .timeLimit(.minutes(1)))
  func reconnect() async throws {
    try await withVirtualHost { host in
      try await host.fillQueue("s", type: "stream", with: 0..<20)
      let consumer = try host.consumer(.init(queue: "s", prefetch: 10, streamOffset: .first))
      try await withRunning(consumer) {
        // Nothing is acknowledged, so no more than ten come over this connection.
        #expect(try await consumer.take(7).map(\.number) == Array(0..<7))
        try await host.closeConnections()
        let rest = try await consumer.take(10)
        #expect(rest.map(\.number) == Array(7..<17))
        await consumer.acknowledge(rest[9], multiple: true)
        #expect(try await consumer.take(3).map(\.number) == Array(17..<20))
      }
    }
  }

  @Test("It can be read again from an earlier position", .timeLimit(.minutes(1)))
  func position() async throws {
    try await withVirtualHost { host in
      try await host.fillQueue("s", type: "stream", with: 0..<10)
      let consumer = try host.consumer(.init(queue: "s", prefetch: 4, streamOffset: .first))
      try await withRunning(consumer) {
        _ = try await consumer.take(4)
        await consumer.streamPosition(queue: "s", after: 1)
        let again = try await consumer.take(2)
        #expect(again.map(\.number) == [2, 3])
        await consumer.pause()
        await consumer.streamPosition(queue: "s", after: 6)
        await consumer.resume()
        #expect(try await consumer.take(3).map(\.number) == [7, 8, 9])
      }
    }
  }

  @Test("Acknowledging makes room for more than the prefetch", .timeLimit(.minutes(1)))
  func credit() async throws {
    try await withVirtualHost { host in
      try await host.fillQueue("s", type: "stream", with: 0..<300)
      let consumer = try host.consumer(.init(queue: "s", prefetch: 10, streamOffset: .first))
      let received = Received()
      try await withRunning(consumer) {
        let collecting = Task { await received.collect(from: consumer) }
        try await eventually("all are read") { received.total == 300 }
        collecting.cancel()
        #expect(received.numbers.count == 300)
      }
    }
  }
}
