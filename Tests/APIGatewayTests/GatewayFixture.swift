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
    /// Confirms nothing and takes as long as the caller waits.
    var isSilent = false
    var isReady = true
    var isBlocked = false
  }

  struct NotConfirmed: Error {}

  let state = NIOLockedValueBox(State())

  var isReady: Bool { state.withLockedValue { $0.isReady } }
  var isBlocked: Bool { state.withLockedValue { $0.isBlocked } }

  func publish(_ message: AMQPMessage, exchange: String, routingKey: String, timeout: Duration?) async throws {
    let isSilent = state.withLockedValue { state in
      if !state.isSilent { state.messages.append(message) }
      return state.isSilent
    }
    if isSilent {
      try await Task.sleep(for: timeout ?? .seconds(60))
      throw NotConfirmed()
    }
  }

  func accepted() throws -> [Envelope<MessageAccepted>] {
    try state.withLockedValue { try $0.messages.map { try Wire.decode(MessageAccepted.self, from: $0.body) } }
  }
}

/// The HTTP API on a free port, with a broker that is none and no database.
struct GatewayFixture: Sendable {
  static let token = "ann-token"

  let http: RawHTTP
  let publisher: RecordingPublisher
  let directory: NIOLockedValueBox<TokenDirectory>
  let queue: QueueView
  let providers: ProviderView
  let user: Principal

  static func run<Result: Sendable>(
    settings: GatewaySettings = GatewaySettings(), _ body: @Sendable (GatewayFixture) async throws -> Result
  ) async throws -> Result {
    let publisher = RecordingPublisher()
    let directory = NIOLockedValueBox(TokenDirectory())
    let user = Principal(userID: .timeOrdered(), username: "ann", isAdmin: false, weight: 2)
    directory.withLockedValue {
      $0.replaceAll([
        TokenDirectory.Record(digest: TokenDigest(token: token), principal: user, expiresAt: nil, isUsable: true)
      ])
    }
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let pool = PostgresPool(
      configuration: try PostgresConfiguration(url: "postgresql://nobody@127.0.0.1:1/none"), logger: logger)
    let queue = QueueView()
    let providers = ProviderView([.provider1, .provider2])
    var settings = settings
    settings.port = 0
    let api = GatewayAPI(
      settings: settings, publisher: publisher, store: ReadStore(pool: pool), directory: directory, queue: queue,
      providers: providers, readiness: Readiness(publisher: publisher, directory: directory, isDatabaseReady: { false })
    )
    let (ports, listening) = AsyncStream.makeStream(of: Int.self)
    let group = ServiceGroup(
      configuration: .init(
        services: [api.server(logger: logger) { port in listening.yield(port) }], logger: logger))
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      var iterator = ports.makeAsyncIterator()
      let port = await iterator.next() ?? 0
      let fixture = GatewayFixture(
        http: RawHTTP(port: port), publisher: publisher, directory: directory, queue: queue, providers: providers,
        user: user)
      do {
        let result = try await body(fixture)
        await group.triggerGracefulShutdown()
        return result
      } catch {
        await group.triggerGracefulShutdown()
        throw error
      }
    }
  }

  func post(_ path: String, _ body: String, headers: [String: String] = [:]) async throws -> RawHTTP.Answer {
    try await http.request("POST", path, token: Self.token, headers: headers, body: body)
  }
}

extension ConfiguredProvider {
  static let provider1 = ConfiguredProvider(
    name: "provider1", adapter: "json", url: "http://127.0.0.1:8071/api/sms/provider1", rate: 50, windowSeconds: 1,
    weight: 1)
  static let provider2 = ConfiguredProvider(
    name: "provider2", adapter: "json", url: "http://127.0.0.1:8071/api/sms/provider2", rate: 50, windowSeconds: 1,
    weight: 2)
}
