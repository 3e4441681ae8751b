import AMQP
import Contracts
import Foundation
import Logging
import NIOConcurrencyHelpers
import Postgres
import ServiceKit
import ServiceLifecycle
import TestSupport

@testable import APIGateway

/// Replicas of the gateway, as services of this process, between a broker and a database that are real.
struct GatewayStack: Sendable {
  static let adminToken = "root-token-0123456789"
  static let userToken = "ann-token-0123456789"

  /// The servers that all tests of the suite share; none of them stops one without starting it again.
  struct Servers: Sendable {
    let rabbit: RabbitMQNode
    let postgres: PostgresCluster

    private static let shared = Task {
      // One after the other: a process that Foundation starts meanwhile would hide the end of the first one's script.
      let postgres = try await PostgresCluster.start()
      return Servers(rabbit: try await RabbitMQNode.start(), postgres: postgres)
    }

    static func ready() async throws -> Servers { try await shared.value }
  }

  let servers: Servers
  /// The first replica.
  let http: RawHTTP
  /// All that were started.
  let replicas: [RawHTTP]
  let pool: PostgresPool
  let publisher: AMQPPublisher
  let user: UserID
  let amqp: AMQPConfiguration
  let database: String
  let logger: Logger

  /// Starts replicas over an empty database and empty queues and waits until they are ready.
  /// - Parameter interval: Between two readings of users and tokens that no fact asks for.
  static func run(
    replicas: Int = 1, readingEvery interval: Duration = .seconds(2),
    _ body: @Sendable @escaping (GatewayStack) async throws -> Void
  ) async throws {
    let servers = try await Servers.ready()
    let logger = Logger(label: "gateway-test") { _ in SwiftLogNoOpLogHandler() }
    let amqp = try await importTopology(to: servers.rabbit)
    let database = try await servers.postgres.makeDatabase()
    let pool = PostgresPool(configuration: try PostgresConfiguration(url: database), logger: logger)
    try await pool.withConnection { try await $0.execute(script: ReadTables.script) }
    let publisher = AMQPPublisher(configuration: amqp.named("test"), logger: logger)
    let (ports, listening) = AsyncStream.makeStream(of: Int.self)
    var services: [any Service] = [publisher]
    for replica in 0..<replicas {
      services += try gateway(
        replica, amqp: amqp, database: database, logger: logger, listening: listening, interval: interval)
    }
    let group = ServiceGroup(configuration: .init(services: services, logger: logger))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      var iterator = ports.makeAsyncIterator()
      var replicasPorts: [Int] = []
      while replicasPorts.count < replicas { replicasPorts.append(await iterator.next() ?? 0) }
      let stack = GatewayStack(
        servers: servers, http: RawHTTP(port: replicasPorts[0]),
        replicas: replicasPorts.map { RawHTTP(port: $0) }, pool: pool, publisher: publisher,
        user: .timeOrdered(), amqp: amqp, database: database, logger: logger)
      do {
        for port in replicasPorts { try await stack.waitUntilReady(RawHTTP(port: port)) }
        try await stack.addUser()
        try await body(stack)
      } catch {
        await group.triggerGracefulShutdown()
        throw error
      }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
    await pool.close()
  }

  /// Runs one more replica, as after a restart.
  func withFreshReplica(_ body: @Sendable @escaping (RawHTTP) async throws -> Void) async throws {
    let (ports, listening) = AsyncStream.makeStream(of: Int.self)
    let group = ServiceGroup(
      configuration: .init(
        services: try Self.gateway(9, amqp: amqp, database: database, logger: logger, listening: listening),
        logger: logger))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      var iterator = ports.makeAsyncIterator()
      let replica = RawHTTP(port: await iterator.next() ?? 0)
      do {
        try await waitUntilReady(replica)
        try await body(replica)
      } catch {
        await group.triggerGracefulShutdown()
        throw error
      }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }

  private static func gateway(
    _ replica: Int, amqp: AMQPConfiguration, database: String, logger: Logger,
    listening: AsyncStream<Int>.Continuation, interval: Duration = .seconds(2)
  ) throws -> [any Service] {
    var service = try ServiceSettings.load(
      service: "api-gateway",
      settings: Settings(
        environment: [
          "SLUICE_AMQP_URL": "amqp://localhost", "SLUICE_DATABASE_URL": database,
          "SLUICE_INSTANCE": "api-gateway-\(replica)",
        ]))
    service.amqp = amqp
    var settings = GatewaySettings()
    settings.port = 0
    settings.accountsInterval = interval
    // What is tested is not how often one may ask, but for the tests of just that.
    settings.requestRate = 1_000_000
    settings.userRequestRate = 1_000_000
    settings.providers = [.provider1]
    settings.firstAdmin = FirstAdmin(username: "root", password: "secret", token: adminToken)
    return try Gateway(service: service, settings: settings, logger: logger) { port in listening.yield(port) }.services
  }

  /// The contracts' topology in an emptied virtual host; the gateway's own account, with its own rights.
  private static func importTopology(to rabbit: RabbitMQNode) async throws -> AMQPConfiguration {
    let vhost = try await rabbit.management.send("DELETE", "/api/vhosts/\(BrokerNames.virtualHost)", nil)
    guard [204, 404].contains(vhost.status) else { throw RawHTTP.Failure(what: vhost.text) }
    let definitions = BrokerDefinitions(
      topology: BrokerTopology(providers: ["hkt"]), target: .v3_10,
      passwords: ["api-gateway": "secret", "scheduler": "secret", "dead-letter": "secret"])
    let body = try JSONDecoder().decode(TestSupport.JSONValue.self, from: Data(definitions.json().utf8))
    let imported = try await rabbit.management.post("/api/definitions", body)
    guard (200..<300).contains(imported.status) else { throw RawHTTP.Failure(what: imported.text) }
    let admin = try AMQPConfiguration(url: rabbit.amqpURL)
    return AMQPConfiguration(
      hosts: admin.hosts, virtualHost: BrokerNames.virtualHost, username: "api-gateway", password: "secret")
  }

  private func waitUntilReady(_ replica: RawHTTP) async throws {
    try await eventually(within: .seconds(30), "the gateway is ready") {
      try await replica.request("GET", "/api/health/ready").status == 200
    }
  }

  private func addUser() async throws {
    try await pool.query("INSERT INTO accounts.users (id, username) VALUES (\(user.uuid), 'ann')")
    try await pool.query(
      """
      INSERT INTO accounts.tokens (id, user_id, name, token_hash)
      VALUES (\(UUID()), \(user.uuid), 'test', \(TokenDigest(token: Self.userToken).bytes))
      """)
    try await eventually(within: .seconds(5), "the token works") {
      try await publish(UserChanged(userID: user, isActive: true, weight: 1))
      return try await get("/api/queue/status").status == 200
    }
  }

  // MARK: What tests do

  func post(_ body: String, path: String = "/api/sms") async throws -> RawHTTP.Answer {
    try await http.request("POST", path, token: Self.userToken, body: body)
  }

  /// A request of an admin, to the first replica unless another is named.
  func admin(
    _ method: String, _ path: String, _ body: String? = nil, at replica: Int = 0, token: String = adminToken
  ) async throws -> RawHTTP.Answer {
    try await replicas[replica].request(method, path, token: token, body: body)
  }

  /// Makes a user over HTTP.
  func makeUser(_ username: String, _ fields: String = "") async throws -> String {
    let answer = try await admin("POST", "/api/admin/users", #"{"username": "\#(username)"\#(fields)}"#)
    guard answer.status == 201, let id = answer.string("data.id") else { throw RawHTTP.Failure(what: answer.body) }
    return id
  }

  /// Makes a token over HTTP, and waits until all replicas know it.
  func makeToken(of user: String) async throws -> String {
    let answer = try await admin("POST", "/api/admin/users/\(user)/tokens", #"{"name": "test"}"#)
    guard let token = answer.string("data.token") else { throw RawHTTP.Failure(what: answer.body) }
    for replica in replicas.indices { try await wait(for: 200, of: token, at: replica) }
    return token
  }

  /// Waits until a token is answered like this by a replica; five seconds is what is promised.
  func wait(for status: Int, of token: String, at replica: Int) async throws {
    try await eventually(within: .seconds(5), "\(status) at replica \(replica)") {
      try await replicas[replica].request("GET", "/api/auth/me", token: token).status == status
    }
  }

  /// A request without a body.
  func ask(_ method: String, _ path: String, token: String = userToken) async throws -> RawHTTP.Answer {
    try await http.request(method, path, token: token)
  }

  func get(_ path: String, token: String = userToken) async throws -> RawHTTP.Answer {
    try await http.request("GET", path, token: token)
  }

  func publish(_ change: QueueChanged) async throws {
    try await publish(bytes: try Wire.encode(Envelope(change)), type: .queueChanged)
  }

  /// As the gateway, which alone may say so.
  func publish(_ change: UserChanged) async throws {
    try await publisher.publish(
      Envelope(change), exchange: BrokerNames.events, timeout: .seconds(5))
  }

  /// As the scheduler, since the gateway may not say such things.
  func publish(bytes: [UInt8], type: MessageType) async throws {
    try await asScheduler { publisher in
      try await publisher.publish(
        AMQPMessage(body: bytes, type: type.rawValue), exchange: BrokerNames.events, routingKey: type.rawValue,
        timeout: .seconds(5))
    }
  }

  /// Lends a publisher with the scheduler's rights.
  func asScheduler(_ body: (AMQPPublisher) async throws -> Void) async throws {
    var scheduler = amqp
    scheduler.username = "scheduler"
    let publisher = AMQPPublisher(configuration: scheduler.named("heads"), logger: logger)
    let run = Task { try await publisher.run() }
    defer { run.cancel() }
    try await body(publisher)
    run.cancel()
    // It was cancelled: how it ended says nothing.
    _ = try? await run.value
  }

  /// What lies in the scheduler's queue, at least this many, with a moment for more to come.
  func submissions(count: Int) async throws -> [Envelope<MessageAccepted>] {
    var scheduler = amqp
    scheduler.username = "scheduler"
    let consumer = AMQPConsumer(
      configuration: scheduler.named("submissions"),
      subscriptions: [AMQPSubscription(queue: BrokerNames.submissions, prefetch: 100)], logger: logger)
    let found = NIOLockedValueBox<[Envelope<MessageAccepted>]>([])
    let run = Task { try await consumer.run() }
    let read = Task {
      for await delivery in consumer.deliveries {
        let fact = try Wire.decode(MessageAccepted.self, from: delivery.body)
        found.withLockedValue { $0.append(fact) }
        await consumer.acknowledge(delivery)
      }
    }
    try await eventually(within: .seconds(10), "\(count) submissions") { found.withLockedValue { $0.count } >= count }
    // A duplicate would come right behind.
    try await Task.sleep(for: .milliseconds(300))
    run.cancel()
    read.cancel()
    return found.withLockedValue { $0 }
  }
}
