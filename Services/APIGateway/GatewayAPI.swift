import Hummingbird
import HummingbirdCore
import Logging
import NIOConcurrencyHelpers
import NIOCore
import PhoneNumbers
import Postgres
import ServiceLifecycle

/// The HTTP API over its parts.
struct GatewayAPI {
  var settings: GatewaySettings
  var publisher: any FactPublisher
  var store: ReadStore
  var directory: NIOLockedValueBox<TokenDirectory>
  var queue: QueueView
  var providers: ProviderView
  var answers: AnswerTable
  var readiness: Readiness
  var events: EventStreams
  var documentation: DocumentationController
  var panel: PanelFiles
  /// Keeps what admins do.
  var trail: AuditTrail
  /// Counts SMS of a day.
  var daily: DailyUse
  /// Knows repeats.
  var idempotency: IdempotencyRegister
  var refreshSignal = RefreshSignal()
  var passwords = PasswordWorkers()

  var reader: BodyReader {
    BodyReader(limit: settings.bodyLimit, timeout: .seconds(Int64(settings.bodySeconds)))
  }

  /// Every route of the API; what is neither here nor a page of the panel is a 404.
  var routes: [Route] {
    let authenticator = Authenticator(
      directory: directory,
      limiter: RequestLimiter(
        rate: settings.requestRate, userRate: settings.userRequestRate, commandRate: settings.commandRate),
      isBehindTLS: settings.isBehindTLS)
    let parser = PhoneNumberParser(defaultRegion: settings.defaultRegion, check: settings.numberCheck)
    let (store, providers) = (store, providers)
    let send = SendController(
      authenticator: authenticator, reader: reader,
      check: SubmissionCheck(limits: settings.limits, parser: parser) { providers[$0] != nil },
      publisher: SubmissionPublisher(publisher: publisher),
      idempotency: idempotency, queue: queue, providers: providers, daily: daily,
      isAccepted: { try await store.owners(of: [$0])[$0] != nil })
    let lookup = MessageLookup(
      store: store,
      fresh: FreshRead(
        watch: ProgressWatch { try await store.logTime() }, patience: .seconds(settings.readWaitSeconds)))
    let status = QueueStatusController(authenticator: authenticator, store: store, queue: queue)
    return send.routes + messages(authenticator, lookup, parser) + status.routes + controls(authenticator, lookup)
      + accounts(authenticator) + deadLetters(authenticator)
      + ProvidersController(authenticator: authenticator, providers: providers).routes
      + EventsController(authenticator: authenticator, streams: events).routes
      + documentation.routes
      + HealthController(readiness: readiness, queue: queue, ledger: LedgerCheck(pool: store.pool)).routes
  }

  /// What shows messages and their SMS.
  private func messages(
    _ authenticator: Authenticator, _ lookup: MessageLookup, _ parser: PhoneNumberParser
  ) -> [Route] {
    let lists = MessageLists(store: store, queue: queue)
    let usernames = UsernameLookup(directory: directory, store: AccountStore(pool: store.pool))
    return MessagesController(authenticator: authenticator, lists: lists, lookup: lookup, parser: parser).routes
      + RequestsController(authenticator: authenticator, store: store, lookup: lookup).routes
      + AdminMessagesController(
        authenticator: authenticator, lists: lists, lookup: lookup, usernames: usernames, parser: parser,
        timeZone: settings.timeZone
      ).routes
      + QueueByFlowController(
        authenticator: authenticator, queue: queue, usernames: usernames, store: store
      ).routes
  }

  /// What changes something by a command.
  private func controls(_ authenticator: Authenticator, _ lookup: MessageLookup) -> [Route] {
    let bus = CommandBus(publisher: publisher, answers: answers, limiter: authenticator.limiter)
    let store = store
    let users = UserLookup(directory: directory, store: AccountStore(pool: store.pool)) {
      try await store.hasMessages(of: $0)
    }
    return MessageCommandsController(authenticator: authenticator, reader: reader, lookup: lookup, bus: bus).routes
      + TrafficController(authenticator: authenticator, reader: reader, users: users, bus: bus).routes
      + ProviderSettingsController(authenticator: authenticator, reader: reader, providers: providers, bus: bus).routes
  }

  /// Users, their tokens, logins, and what was done.
  private func accounts(_ authenticator: Authenticator) -> [Route] {
    let users = UserStore(pool: store.pool)
    let announcer = UserAnnouncer(directory: directory, refreshSignal: refreshSignal, publisher: publisher)
    let desk = LoginDesk(
      store: SessionStore(pool: store.pool), passwords: passwords, directory: directory, hours: settings.sessionHours)
    let tokens = TokenDesk(reader: reader, store: NamedTokenStore(pool: store.pool), announcer: announcer)
    return UsersController(
      authenticator: authenticator, reader: reader, store: users, desk: desk, announcer: announcer,
      providers: providers, queue: queue
    ).routes
      + UserTokensController(authenticator: authenticator, users: users, desk: tokens).routes
      + OwnAccountController(
        authenticator: authenticator, reader: reader, users: users, desk: desk, tokens: tokens, announcer: announcer,
        addresses: settings.addresses
      ).routes
      + LoginController(
        authenticator: authenticator, desk: desk, announcer: announcer, addresses: settings.addresses,
        daily: daily, bodyTimeout: reader.timeout
      ).routes
      + AuditController(authenticator: authenticator, store: AuditStore(pool: store.pool)).routes
  }

  /// The HTTP server: limited in connections, in idle time and in the size of a request's head.
  func server(logger: Logger, onListening: @escaping @Sendable (Int) async -> Void) -> some Service {
    let router = Router(context: GatewayContext.self, options: .autoGenerateHeadEndpoints)
    let routes = routes
    let panel = makePanel(over: routes)
    let idleSeconds = Int64(settings.idleSeconds)
    let security = SecurityHeaders(isBehindTLS: settings.isBehindTLS)
    let pages = pages(of: panel)
    router.add(
      middleware: EnvelopeMiddleware(
        crossOrigin: CrossOrigin(origins: settings.corsOrigins),
        security: security, reader: reader, paths: KnownPaths(routes + pages),
        answerLimit: .seconds(idleSeconds)))
    router.add(middleware: PanelMiddleware(panel: panel))
    router.add(routes + pages, trail: trail)
    return Application(
      router: router,
      server: HTTPServerBuilder { responder in
        GatewayChannel(
          responder: responder,
          configuration: .init(
            idleTimeout: .seconds(idleSeconds),
            httpDecoderConfiguration: .init(
              maxHeaderFieldSize: 16_384, maxHeaderListSize: 32_768, maxHeaderFieldCount: 100)),
          security: security)
      },
      configuration: ApplicationConfiguration(
        address: .hostname(settings.host, port: settings.port), serverName: nil,
        availableConnectionsDelegate: MaximumAvailableConnections(settings.connections, logger: logger)),
      onServerRunning: { channel in await onListening(channel.localAddress?.port ?? 0) },
      logger: logger)
  }
}
