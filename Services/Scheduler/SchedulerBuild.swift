import AMQP
import Contracts
import Logging
import Metering
import Postgres
import ServiceKit
import ServiceLifecycle

/// All wiring of the scheduler.
enum SchedulerBuild {
  /// Prefetch is twice the batch, so that the broker always has the next one on its way.
  private static let prefetch = UInt16(2 * Inbox.batchSize)

  static func services(_ settings: ServiceSettings, _ logger: Logger) async throws -> [any Service] {
    let file = try settings.loadProviders()
    let pool = PostgresPool(configuration: settings.database, logger: logger)
    try await Migrator.migrate(
      schema: SchedulerSchema.name, migrations: SchedulerSchema.migrations, pool: pool, logger: logger)
    let ledgerPool = PostgresPool(configuration: settings.database.forCounting, logger: logger)
    let amqp = settings.amqp.with(heartbeat: .seconds(2))
    let publisher = AMQPPublisher(configuration: amqp.named("scheduler publish"), logger: logger)
    let feed = DeliveryFeed {
      AMQPConsumer(
        configuration: amqp.named("scheduler consume"),
        subscriptions: [BrokerNames.outcomes, BrokerNames.submissions, BrokerNames.schedulerCommands].map {
          AMQPSubscription(queue: $0, prefetch: prefetch)
        }, logger: logger)
    }
    let election = LeaderElection(
      lease: LeaderLease(pool: pool, schema: SchedulerSchema.name, holder: settings.instance), logger: logger,
      standBy: { await feed.close() }
    ) { epoch in
      let term = LeaderTerm(pool: pool, epoch: epoch)
      do {
        let stored = try await ProviderStore(term: term).load(file.providers.map(\.stored))
        let loop = LeaderLoop(
          term: term, feed: feed, publisher: publisher,
          relay: OutboxRelay(pool: pool, publisher: publisher, logger: logger),
          poison: PoisonReporter(publisher: publisher, logger: logger), file: file,
          board: board(file, stored, now: (term.databaseTime() ?? .now()).seconds),
          ledgerPool: ledgerPool, logReading: settings.amqp.named("scheduler log"), logger: logger)
        try await loop.run(
          announcing: ProvidersChanged(
            providers: file.providers.compactMap { settings in stored[settings.name].map { settings.fact($0) } }))
      } catch {
        await feed.close(after: error)
        throw error
      }
    }
    let health = HealthServer(settings: settings, logger: logger) {
      if !publisher.isReady { return "broker not reachable" }
      return await DatabaseCheck.reason(pool)
    }
    return [health, pool, ledgerPool, publisher, feed, election]
  }

  /// The providers as they are in force; a new leader's buckets start empty.
  private static func board(
    _ file: ProvidersFile, _ stored: [String: ProviderStore.Stored], now: Double
  ) -> ProviderBoard {
    ProviderBoard(
      providers: file.providers.compactMap { settings in
        stored[settings.name].map {
          ProviderState(
            name: settings.name, limit: $0.limit, weight: $0.weight, countsSegments: settings.meterUnit == .segment,
            policy: settings.policy, condition: $0.condition, now: now)
        }
      }, globalRate: file.globalRate, now: now)
  }
}

extension PostgresConfiguration {
  /// One connection on which a count of millions of rows may take its time.
  fileprivate var forCounting: PostgresConfiguration {
    var configuration = ofOneConnection
    configuration.statementTimeout = .seconds(60)
    return configuration
  }
}
