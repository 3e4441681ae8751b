import AMQP
import NIOConcurrencyHelpers

/// The leader's reading of the log, as readiness sees it.
final class LogReading: Sendable {
  private let consumer = NIOLockedValueBox<AMQPConsumer?>(nil)

  /// True while this instance leads and the broker does not deliver the log to it.
  var isInterrupted: Bool { consumer.withLockedValue { $0 }.map { !$0.isReady } ?? false }

  func begin(_ consumer: AMQPConsumer) { self.consumer.withLockedValue { $0 = consumer } }

  func end() { consumer.withLockedValue { $0 = nil } }
}
