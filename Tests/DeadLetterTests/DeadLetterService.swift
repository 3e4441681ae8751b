import AMQP
import Contracts
import NIOConcurrencyHelpers
import Postgres
import ServiceKit
import ServiceLifecycle
import TestSupport

@testable import DeadLetter

/// The whole service on real servers, with a client of its own beside it.
struct DeadLetterService {
  let virtualHost: RabbitMQVirtualHost
  let publisher: AMQPPublisher
  let archive: LetterArchive
  let pool: PostgresPool
  let databaseURL: String
  /// Facts that the service published, its orders to the scheduler, and what it gave back to the queue of submissions.
  let facts: NIOLockedValueBox<[AMQPDelivery]>

  static let factQueue = "test.facts"

  static func environment(_ virtualHost: RabbitMQVirtualHost, databaseURL: String) -> [String: String] {
    ["SLUICE_AMQP_URL": virtualHost.amqpURL, "SLUICE_DATABASE_URL": databaseURL, "SLUICE_INSTANCE": "dead-letter@test"]
  }

  /// Makes the queues of the service, and one with its facts.
  static func declare(_ virtualHost: RabbitMQVirtualHost) async throws {
    let topology = BrokerTopology(providers: [])
    for exchange in topology.exchanges { try await virtualHost.declareExchange(exchange.name, type: exchange.type) }
    for queue in topology.queues { try await virtualHost.declareQueue(queue.name, type: queue.type) }
    for binding in topology.bindings {
      try await virtualHost.bind(binding.queue, to: binding.exchange, key: binding.key)
    }
    try await virtualHost.declareQueue(factQueue)
    for type in [MessageType.letterOpened, .commandAnswered] {
      try await virtualHost.bind(factQueue, to: BrokerNames.events, key: type.rawValue)
    }
  }

  /// Runs the service while `body` runs.
  /// - Parameter replicas: So many side by side; none when the test starts processes.
  static func with(_ databaseURL: String? = nil, replicas: Int = 1, _ body: (DeadLetterService) async throws -> Void)
    async throws
  {
    let databaseURL = if let databaseURL { databaseURL } else { try await PostgresCluster.shared().makeDatabase() }
    let virtualHost = try await RabbitMQNode.shared().makeVirtualHost()
    try await declare(virtualHost)
    let settings = try ServiceSettings.load(
      service: "dead-letter",
      settings: Settings(
        environment: environment(virtualHost, databaseURL: databaseURL), secretsDirectory: "/nonexistent"))
    let publisher = AMQPPublisher(configuration: settings.amqp.named("test publish"), logger: noLogger)
    let consumer = AMQPConsumer(
      configuration: settings.amqp.named("test consume"),
      subscriptions: [factQueue, BrokerNames.schedulerCommands, BrokerNames.submissions].map {
        AMQPSubscription(queue: $0, prefetch: 100)
      }, logger: noLogger)
    let facts = NIOLockedValueBox<[AMQPDelivery]>([])
    let pool = PostgresPool(configuration: settings.database, logger: noLogger)
    var services: [any Service] = []
    for _ in 0..<replicas {
      services += try await DeadLetterBuild.services(settings, own: DeadLetterSettings(), noLogger)
    }
    let group = ServiceGroup(services: [pool, publisher, consumer] + services, logger: noLogger)
    try await withThrowingDiscardingTaskGroup { tasks in
      tasks.addTask { try await group.run() }
      tasks.addTask {
        for await delivery in consumer.deliveries {
          facts.withLockedValue { $0.append(delivery) }
          await consumer.acknowledge(delivery)
        }
        await consumer.close()
      }
      let service = DeadLetterService(
        virtualHost: virtualHost, publisher: publisher, archive: LetterArchive(pool: pool), pool: pool,
        databaseURL: databaseURL,
        facts: facts)
      do {
        try await body(service)
      } catch {
        tasks.cancelAll()
        throw error
      }
      await group.triggerGracefulShutdown()
    }
    try await virtualHost.delete()
  }

  func publish<Body: Payload>(_ envelope: Envelope<Body>, to exchange: String = BrokerNames.events) async throws {
    try await publisher.publish(envelope, exchange: exchange, timeout: .seconds(10))
  }

  /// Makes the tables, for a test without a running service.
  func migrate() async throws {
    try await Migrator.migrate(
      schema: DeadLetterSchema.name, migrations: DeadLetterSchema.migrations, pool: pool, logger: noLogger)
  }

  /// Tells of dead SMS and waits until they are letters.
  func bury(_ count: Int, state: UnitState = .dead) async throws -> [UnitsDead.Entry] {
    let entries = (0..<count).map { _ in Samples.dead(state: state) }
    let before = try await archive.letters(.init(limit: 10_000)).count
    for start in stride(from: 0, to: count, by: 100) {
      try await publish(Envelope(UnitsDead(units: Array(entries[start..<min(start + 100, count)]))))
    }
    try await eventually("the letters are there") {
      try await archive.letters(.init(limit: 10_000)).count == before + count
    }
    return entries
  }

  /// Sends a command, as the gateway does.
  @discardableResult
  func command(_ body: some Payload, id: EnvelopeID = .timeOrdered()) async throws -> EnvelopeID {
    try await publish(Envelope(body, id: id, requestID: "r-1"), to: BrokerNames.commands)
    return id
  }

  /// Waits for the answer to a command.
  func answer(_ id: EnvelopeID) async throws -> CommandAnswered {
    var answer: CommandAnswered?
    try await eventually("the command is answered") {
      answer = try facts(CommandAnswered.self).map(\.body).first { $0.commandID == id }
      return answer != nil
    }
    guard let answer else { throw NeverTrue(description: "no answer") }
    return answer
  }

  /// The facts of one type that came so far.
  func facts<Body: Payload>(_ type: Body.Type) throws -> [Envelope<Body>] {
    // What was given back has its queue's name as the key.
    try facts.withLockedValue { $0 }.filter { ($0.type ?? $0.routingKey) == Body.type.rawValue }.map {
      try Wire.decode(Body.self, from: $0.body)
    }
  }
}
