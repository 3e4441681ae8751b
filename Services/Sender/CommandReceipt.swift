import AMQP
import NIOConcurrencyHelpers

/// One delivered send command: it is acknowledged as soon as the ledger owns each of its attempts.
final class CommandReceipt: Sendable {
  let delivery: AMQPDelivery
  private let consumer: AMQPConsumer
  private let open: NIOLockedValueBox<Int>

  init(delivery: AMQPDelivery, attempts: Int, consumer: AMQPConsumer) {
    self.delivery = delivery
    self.consumer = consumer
    open = NIOLockedValueBox(attempts)
  }

  /// One attempt less to see to; the last acknowledges the command.
  func settleOne() async {
    let left = open.withLockedValue { open in
      open -= 1
      return open
    }
    if left == 0 { await consumer.acknowledge(delivery) }
  }
}
