import AMQP

/// One delivery of the log, understood.
struct LogEntry: Sendable {
  var delivery: AMQPDelivery
  var offset: UInt64
  var logged: LoggedFact
}
