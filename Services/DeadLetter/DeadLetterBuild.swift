import AMQP
import Logging
import Postgres
import ServiceKit
import ServiceLifecycle

/// All wiring of the dead-letter service.
enum DeadLetterBuild {
  static func services(_ settings: ServiceSettings, _ logger: Logger) async throws -> [any Service] {
    try await services(settings, own: DeadLetterSettings.load(), logger)
  }

  /// In order of dependency. The schema is brought up to date first.
  static func services(
    _ settings: ServiceSettings, own: DeadLetterSettings, _ logger: Logger
  ) async throws -> [any Service] {
    let pool = PostgresPool(configuration: settings.database, logger: logger)
    try await Migrator.migrate(
      schema: DeadLetterSchema.name, migrations: DeadLetterSchema.migrations, pool: pool, logger: logger)
    let publisher = AMQPPublisher(configuration: settings.amqp.named("\(settings.instance) publish"), logger: logger)
    let consumer = AMQPConsumer(
      configuration: settings.amqp.named("\(settings.instance) consume"),
      subscriptions: DeadLetterIntake.subscriptions, logger: logger)
    let metrics = DeadLetterMetrics()
    let relay = OrderRelay(pool: pool, publisher: publisher, bell: Bell(), logger: logger)
    let intake = DeadLetterIntake(
      consumer: consumer,
      handler: DeliveryHandler(
        letters: LetterStore(pool: pool), requests: LetterRequests(pool: pool), poison: PoisonStore(pool: pool),
        publisher: publisher, bell: relay.bell, metrics: metrics, logger: logger),
      reporter: PoisonReporter(publisher: publisher, logger: logger), logger: logger)
    let retention = Retention(
      pool: pool, keeps: own.retention, redactsAfter: .seconds(own.redactAfter * 86_400), metrics: metrics)
    let health = HealthServer(settings: settings, logger: logger) {
      if !publisher.isReady || !consumer.isReady { return "broker not reachable" }
      return await DatabaseCheck.reason(pool)
    }
    return [
      health, pool, publisher, intake,
      PersistentTask(
        "relay", backoff: Backoff(minimum: .milliseconds(100), maximum: .seconds(5)), logger: logger, body: relay.run),
      PersistentTask.every(.seconds(3600), "prune", logger: logger, retention.prune),
      PersistentTask.every(.seconds(3600), "redact", logger: logger, retention.redact),
      PersistentTask.every(.seconds(15), "count", logger: logger, retention.count),
    ]
  }
}

extension PersistentTask {
  /// Does something now and then, again and again.
  fileprivate static func every(
    _ interval: Duration, _ name: String, logger: Logger, _ body: @escaping @Sendable () async throws -> Void
  ) -> PersistentTask {
    PersistentTask(name, backoff: Backoff(minimum: .seconds(1), maximum: .seconds(30)), logger: logger) {
      while true {
        try await body()
        try await Task.sleep(for: interval)
      }
    }
  }
}
