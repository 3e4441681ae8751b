import AMQP

/// One delivery of the log, as it was understood.
///
/// It is read where it arrives, while the batch before it is being written.
struct LogEntry: Sendable {
  var delivery: AMQPDelivery
  /// What it says, or why it says nothing.
  var reading: Result<LoggedFact, any Error>

  init(_ delivery: AMQPDelivery) {
    self.delivery = delivery
    reading = Result { try FactDecoder.decode(delivery.body, type: delivery.type ?? delivery.routingKey) }
  }
}
