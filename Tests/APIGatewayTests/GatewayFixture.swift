import AMQP
import Contracts
import Logging
import NIOConcurrencyHelpers
import Postgres
import ServiceLifecycle

@testable import APIGateway

/// A broker that remembers what it got.
final class RecordingPublisher: FactPublisher {
  struct State {
    var messages: [AMQPMessage] = []
    /// What was told of them to the read side.
    var told: [AMQPMessage] = []
    /// Confirms nothing and takes as long as the caller waits.
    var isSilent = false
    var isReady = true
    var isBlocked = false
    /// What the services behind the broker do with a message.
    var consumer: (@Sendable (AMQPMessage) throws -> Void)?
  }

  struct NotConfirmed: Error {}

  let state = NIOLockedValueBox(State())

  var isReady: Bool { state.withLockedValue { $0.isReady } }
  var isBlocked: Bool { state.withLockedValue { $0.isBlocked } }

  func publish(_ message: AMQPMessage, exchange: String, routingKey: String, timeout: Duration?) async throws {
    // Told behind the answer: no test should have to wait for it, or to count it.
    if exchange == BrokerNames.events, routingKey == MessageType.messageAccepted.rawValue {
      return state.withLockedValue { $0.told.append(message) }
    }
    let (isSilent, consumer) = state.withLockedValue { state in
      if !state.isSilent { state.messages.append(message) }
      return (state.isSilent, state.consumer)
    }
    if !isSilent { try consumer?(message) }
    if isSilent {
      try await Task.sleep(for: timeout ?? .seconds(60))
      throw NotConfirmed()
    }
  }

  /// The last command, if it is one of this type.
  func command<Body: Payload>(_ type: Body.Type = Body.self) throws -> Envelope<Body> {
    try Wire.decode(Body.self, from: state.withLockedValue { $0.messages.last?.body ?? [] })
  }

  func accepted() throws -> [Envelope<MessageAccepted>] {
    try state.withLockedValue { try $0.messages.map { try Wire.decode(MessageAccepted.self, from: $0.body) } }
  }
}

/// The HTTP API on a free port, with a broker that is none, and no database unless one is given.
struct GatewayFixture: Sendable {
  static let token = "ann-token"
  static let adminToken = "root-token"

  /// The same for all: reading it takes a while.
  private static let documentation = Result { try DocumentationController(OpenAPIDocument()) }
  private static let panelFiles = Result { try PanelFiles() }

  let http: RawHTTP
  let publisher: RecordingPublisher
  let directory: NIOLockedValueBox<TokenDirectory>
  let queue: QueueView
  let providers: ProviderView
  let answers: AnswerTable
  let user: Principal
  let pool: PostgresPool
  let feed: LiveFeed
  let events: EventStreams
  /// All that is served.
  let routes: [Route]
  let trail: AuditTrail

  static func run<Result: Sendable>(
    settings: GatewaySettings = GatewaySettings(), ring: EventRing = EventRing(),
    database: String? = nil, user: Principal = .ann(),
    owners lookup: @escaping OwnerDirectory.Lookup = { _ in [:] }, patience: Duration = .milliseconds(500),
    _ body: @Sendable (GatewayFixture) async throws -> Result
  ) async throws -> Result {
    let publisher = RecordingPublisher()
    let directory = NIOLockedValueBox(TokenDirectory())
    directory.withLockedValue {
      $0.replaceAll([
        TokenDirectory.Record(digest: TokenDigest(token: token), principal: user, expiresAt: nil, isUsable: true),
        TokenDirectory.Record(
          digest: TokenDigest(token: adminToken),
          principal: Principal(userID: .timeOrdered(), username: "root", isAdmin: true, weight: 1), expiresAt: nil,
          isUsable: true),
      ])
    }
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let pool = PostgresPool(
      configuration: try PostgresConfiguration(url: database ?? "postgresql://nobody@127.0.0.1:1/none"),
      logger: logger)
    if database != nil {
      try await Migrator.migrate(
        schema: AccountsMigrations.schema, migrations: AccountsMigrations.all, pool: pool, logger: logger)
    }
    let queue = QueueView()
    let providers = ProviderView([.provider1, .provider2])
    let answers = AnswerTable()
    let owners = OwnerDirectory(logger: logger, lookup: lookup)
    let feed = LiveFeed(queue: queue, owners: owners, ring: ring, logger: logger)
    let events = EventStreams(feed: feed, owners: owners, log: nil, limits: settings.events)
    var settings = settings
    settings.port = 0
    let trail = AuditTrail(store: AuditStore(pool: pool), addresses: settings.addresses)
    let api = GatewayAPI(
      settings: settings, publisher: publisher, store: ReadStore(pool: pool), directory: directory, queue: queue,
      providers: providers, answers: answers,
      readiness: Readiness(publisher: publisher, directory: directory, isDatabaseReady: { false }),
      events: events, documentation: try documentation.get(), panel: try panelFiles.get(), trail: trail,
      daily: DailyUse(store: DailyUseStore(pool: pool), calendar: settings.calendar),
      idempotency: IdempotencyRegister(store: IdempotencyStore(pool: pool), patience: patience))
    let (ports, listening) = AsyncStream.makeStream(of: Int.self)
    let group = ServiceGroup(
      configuration: .init(
        services: [feed, api.server(logger: logger) { port in listening.yield(port) }], logger: logger))
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      var iterator = ports.makeAsyncIterator()
      let port = await iterator.next() ?? 0
      let fixture = GatewayFixture(
        http: RawHTTP(port: port), publisher: publisher, directory: directory, queue: queue, providers: providers,
        answers: answers, user: user, pool: pool, feed: feed, events: events,
        routes: api.routes, trail: trail)
      do {
        let result = try await body(fixture)
        await group.triggerGracefulShutdown()
        await pool.close()
        return result
      } catch {
        await group.triggerGracefulShutdown()
        await pool.close()
        throw error
      }
    }
  }

  func post(_ path: String, _ body: String, headers: [String: String] = [:]) async throws -> RawHTTP.Answer {
    try await http.request("POST", path, token: Self.token, headers: headers, body: body)
  }

  func get(_ path: String) async throws -> RawHTTP.Answer {
    try await http.request("GET", path, token: Self.token)
  }

  func admin(_ method: String, _ path: String, _ body: String? = nil) async throws -> RawHTTP.Answer {
    try await http.request(method, path, token: Self.adminToken, body: body)
  }

  /// Has every command from now on answered like this, as soon as it is published.
  func answerCommands(
    _ result: CommandAnswered.Result = .done, reason: String? = nil, counts: UnitCounts? = nil,
    letters: CommandAnswered.LetterCounts? = nil
  ) {
    let answers = answers
    publisher.state.withLockedValue { state in
      state.consumer = { message in
        let header = try Wire.header(of: message.body)
        answers.take(
          CommandAnswered(
            commandID: header.id, command: header.type, result: result, reason: reason, counts: counts, letters: letters
          ))
      }
    }
  }
}

extension Principal {
  /// A user who has just been made.
  static func ann() -> Principal { Principal(userID: .timeOrdered(), username: "ann", isAdmin: false, weight: 2) }
}

extension ConfiguredProvider {
  static let provider1 = ConfiguredProvider(
    name: "provider1", adapter: "json", url: "http://127.0.0.1:8071/api/sms/provider1", rate: 50, windowSeconds: 1,
    weight: 1)
  static let provider2 = ConfiguredProvider(
    name: "provider2", adapter: "json", url: "http://127.0.0.1:8071/api/sms/provider2", rate: 50, windowSeconds: 1,
    weight: 2)
}
