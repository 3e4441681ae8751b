import AMQP
import Contracts
import Foundation
import HTTPTransport
import Logging
import Postgres
import ServiceKit
import ServiceLifecycle

/// All wiring of the sender.
enum SenderBuild {
  /// Answers in flight are waited for, each for at most its provider's time-out; then their endings are written, 5 s, and
  /// reported, 3 s.
  static func shutdownLimit(_ settings: ServiceSettings) throws -> Duration {
    try (settings.loadProviders().providers.map(\.timeout).max() ?? .zero) + .seconds(8)
  }

  static func services(_ settings: ServiceSettings, _ logger: Logger) async throws -> [any Service] {
    let file = try settings.loadProviders()
    let pool = PostgresPool(configuration: settings.database, logger: logger)
    try await Migrator.migrate(
      schema: SenderSchema.name, migrations: SenderSchema.migrations, pool: pool, logger: logger)
    let amqp = settings.amqp.with(heartbeat: .seconds(2))
    let publisher = AMQPPublisher(configuration: amqp.named("sender publish"), logger: logger)
    let consumer = AMQPConsumer(
      configuration: amqp.named("sender consume"),
      subscriptions: file.providers.map { AMQPSubscription(queue: BrokerNames.send($0.name), prefetch: 64) },
      logger: logger)
    let gate = Gate(pool: pool, holder: settings.instance, incarnation: UUID())
    let lifePool = PostgresPool(configuration: settings.database.ofOneConnection, logger: logger)
    let lives = Lives(pool: lifePool, holder: gate.holder, incarnation: gate.incarnation)
    // Before the first claim: what is claimed without a life belongs to an earlier version.
    try await lives.beat()
    let reporter = OutcomeReporter(ledger: OutcomeLedger(pool: pool), publisher: publisher, logger: logger)
    let transport = HTTPTransport(
      configuration: HTTPTransportConfiguration(allowInsecureHTTP: true), logger: logger)
    let reports = ReportQueue(reporter: reporter, logger: logger)
    let reach = ReachWatch(consumer: consumer, logger: logger)
    let lanes = file.providers.map { provider in
      (
        provider.name,
        ProviderLane(
          adapter: ProviderAdapter(settings: provider, logger: logger), gate: gate, transport: transport,
          endings: EndingWriter(gate: gate, provider: provider.name, reports: reports, logger: logger),
          reach: reach, logger: logger)
      )
    }
    let service = SenderService(
      lanes: Dictionary(uniqueKeysWithValues: lanes), consumer: consumer,
      poison: PoisonReporter(publisher: publisher, logger: logger), logger: logger)
    let health = HealthServer(settings: settings, logger: logger) {
      if !publisher.isReady || !consumer.isReady { return "broker not reachable" }
      return await DatabaseCheck.reason(pool)
    }
    return [
      health, pool, lifePool, publisher, LifeWatch(lives: lives, reports: reports, logger: logger),
      OrphanWatch(reporter: reporter, logger: logger), LedgerPruning(pool: pool, logger: logger), reports, consumer,
      reach, service,
    ]
  }
}
