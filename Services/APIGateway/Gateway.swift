import AMQP
import Contracts
import Hummingbird
import HummingbirdCore
import Logging
import NIOConcurrencyHelpers
import NIOCore
import PhoneNumbers
import Postgres
import ServiceKit
import ServiceLifecycle

/// All parts of one replica, put together.
struct Gateway {
  /// In the order of dependency: what comes later uses what comes before.
  var services: [any Service]
  var readiness: Readiness

  /// - Parameter onListening: Told the port when requests are taken.
  /// - Throws: When a file that belongs beside the executable is missing.
  init(
    service: ServiceSettings, settings: GatewaySettings, logger: Logger,
    onListening: @escaping @Sendable (Int) async -> Void = { _ in }
  ) throws {
    let pool = PostgresPool(configuration: service.database, logger: logger)
    // Who may come in is read however busy the other connections are.
    var apart = service.database
    apart.poolSize = 1
    let accountsPool = PostgresPool(configuration: apart, logger: logger)
    // What sending asks waits for no list and no search.
    apart.poolSize = 2
    let sendingPool = PostgresPool(configuration: apart, logger: logger)
    let publisher = AMQPPublisher(
      configuration: service.amqp.named("\(service.instance) publish"), logger: logger)
    let consumer = AMQPConsumer(
      configuration: service.amqp.named("\(service.instance) consume"),
      // Far enough back for the heads of the queue and the state of the providers, which are told once a minute at least.
      subscriptions: [
        AMQPSubscription(queue: BrokerNames.log, prefetch: 256, streamOffset: .interval("90s"), silence: .seconds(6))
      ],
      logger: logger)
    let directory = NIOLockedValueBox(TokenDirectory())
    let queue = QueueView()
    let providers = ProviderView(settings.providers)
    let answers = AnswerTable()
    let signal = RefreshSignal()
    let store = ReadStore(pool: pool)
    let owners = OwnerDirectory(logger: logger) { try await store.owners(of: $0) }
    let feed = LiveFeed(queue: queue, owners: owners, logger: logger)
    let events = EventStreams(
      feed: feed, owners: owners,
      log: LogReader.Source(configuration: service.amqp.named("\(service.instance) catch up"), logger: logger),
      limits: settings.events)
    let readiness = Readiness(
      publisher: publisher, directory: directory, isDatabaseReady: { pool.isReady })
    let trail = AuditTrail(store: AuditStore(pool: pool), addresses: settings.addresses)
    let daily = DailyUse(store: DailyUseStore(pool: sendingPool), calendar: settings.calendar)
    let api = GatewayAPI(
      settings: settings, publisher: publisher, store: store, directory: directory, queue: queue,
      providers: providers, answers: answers, readiness: readiness, events: events,
      documentation: try DocumentationController(OpenAPIDocument()), panel: try PanelFiles(), trail: trail,
      daily: daily, idempotency: IdempotencyRegister(store: IdempotencyStore(pool: sendingPool)), refreshSignal: signal)
    let accounts = AccountStore(pool: accountsPool)
    services = [
      HealthServer(settings: service, logger: logger, readiness: { readiness.reason }),
      pool, accountsPool, sendingPool, publisher, consumer,
      AccountsService(
        store: accounts, directory: directory, firstAdmin: settings.firstAdmin, refreshSignal: signal,
        interval: settings.accountsInterval, logger: logger),
    ]
    services +=
      [
        PeriodicTask(every: .seconds(60), failure: "When tokens were used is not kept", logger: logger) {
          try await accounts.keep(directory.withLockedValue { $0.takeUses() })
        },
        PeriodicTask(every: .seconds(3_600), failure: "Old rows were not dropped", logger: logger) {
          try await accounts.clean(auditDays: settings.auditDays)
        },
        // What is lost at a stop is in the log.
        PeriodicTask(
          every: .seconds(2), atStop: .seconds(1), failure: "The audit could not be written yet", logger: logger,
          trail.flush),
        // What is lost at a stop is counted in the users' favour.
        PeriodicTask(
          every: .seconds(2), atStop: .seconds(1), failure: "Daily use could not be counted yet", logger: logger,
          daily.flush),
        PeriodicTask(every: .seconds(600), failure: "Old idempotency keys were not dropped", logger: logger) {
          try await IdempotencyRetention(store: IdempotencyStore(pool: pool), days: settings.idempotencyDays).round()
        },
      ] as [any Service]
    services += [
      feed,
      EventFollower(
        consumer: consumer, queue: queue, providers: providers, answers: answers, directory: directory,
        refreshSignal: signal, feed: feed, logger: logger),
      api.server(logger: logger, onListening: onListening),
      DrainPause(duration: .seconds(settings.drainSeconds)),
    ]
    self.readiness = readiness
  }
}
