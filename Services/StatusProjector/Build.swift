import AMQP
import Logging
import Postgres
import ServiceKit
import ServiceLifecycle

/// One projector with all that it runs on.
struct Projector: Sendable {
  /// In order of dependency.
  var services: [any Service]
  var health: HealthServer
  var election: LeaderElection
}

/// Wires one projector; nothing is connected before its services run.
func buildProjector(
  settings: ServiceSettings, retention: RetentionSettings = RetentionSettings(), limits: BatchLimits = BatchLimits(),
  logger: Logger
) -> Projector {
  let pool = PostgresPool(configuration: settings.database, logger: logger)
  let publisher = AMQPPublisher(configuration: settings.amqp.named("\(settings.instance) publisher"), logger: logger)
  let poison = PoisonReporter(publisher: publisher, logger: logger)
  let metrics = (fold: ProjectorMetrics(), ledger: LedgerMetrics(), headroom: HeadroomMetrics())
  let reading = LogReading()
  let election = LeaderElection(
    lease: LeaderLease(pool: pool, schema: ProjectionSchema.live.name, holder: settings.instance), logger: logger
  ) { epoch in
    let store = ProjectionStore(pool: pool, epoch: epoch)
    try await ProjectorTerm(
      store: store, amqp: settings.amqp.named("\(settings.instance) consumer"), poison: poison, limits: limits,
      metrics: metrics.fold, reading: reading, logger: logger,
      chores: [
        LedgerTask(pool: pool, metrics: metrics.ledger, logger: logger).run,
        RetentionTask(store: store, settings: retention, logger: logger).run,
        HeadroomTask(
          store: store, amqp: settings.amqp.named("\(settings.instance) headroom"), metrics: metrics.headroom,
          logger: logger
        ).run,
      ]
    ).run()
  }
  let projector = PersistentTask("projector", logger: logger) {
    try await ProjectionMigrations.apply(to: .live, pool: pool, logger: logger)
    try await election.run()
  }
  // A stand-by is as ready as the leader; which of them leads is a metric.
  let health = HealthServer(settings: settings, logger: logger) {
    if !publisher.isReady { return "broker" }
    if reading.isInterrupted { return "log" }
    return await DatabaseCheck.reason(pool)
  }
  return Projector(services: [health, pool, publisher, projector], health: health, election: election)
}
