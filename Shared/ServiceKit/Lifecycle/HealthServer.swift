import Hummingbird
import Logging
import NIOConcurrencyHelpers
import ServiceLifecycle

/// The internal port of a service: `/health/live`, `/health/ready` and `/metrics`.
public final class HealthServer: Service {
  /// Says why the service cannot work now, or `nil` when it can.
  public typealias Readiness = @Sendable () async -> String?

  private let host: String
  private let requestedPort: Int
  private let readiness: Readiness
  private let checkLimit: Duration
  private let metrics: PrometheusMetrics
  private let logger: Logger
  private let boundPort = NIOLockedValueBox<Int?>(nil)

  /// - Parameters:
  ///   - port: 0 lets the kernel pick; see `port` and the log.
  ///   - checkLimit: A check that takes longer counts as failed.
  public init(
    host: String = "127.0.0.1", port: Int = 0, checkLimit: Duration = .seconds(2),
    metrics: PrometheusMetrics = .shared, logger: Logger, readiness: @escaping Readiness
  ) {
    self.host = host
    requestedPort = port
    self.checkLimit = checkLimit
    self.metrics = metrics
    self.logger = logger
    self.readiness = readiness
  }

  /// On the internal host and port of the settings.
  public convenience init(settings: ServiceSettings, logger: Logger, readiness: @escaping Readiness) {
    self.init(host: settings.internalHost, port: settings.internalPort, logger: logger, readiness: readiness)
  }

  /// The port it listens on; `nil` before it does.
  public var port: Int? { boundPort.withLockedValue { $0 } }

  public func run() async throws {
    let (box, logger, host) = (boundPort, logger, host)
    try await Application(
      router: router(),
      configuration: ApplicationConfiguration(address: .hostname(host, port: requestedPort), serverName: nil),
      onServerRunning: { channel in
        let port = channel.localAddress?.port
        box.withLockedValue { $0 = port }
        logger.info(
          "health and metrics", metadata: [LogKey.host: "\(host)", LogKey.port: "\(port.map(String.init) ?? "-")"])
      },
      logger: logger.atLeast(.warning)
    ).run()
  }

  private func router() -> Router<BasicRequestContext> {
    let router = Router()
    router.get("health/live") { _, _ in Self.json(.ok, [("status", "alive")]) }
    router.get("health/ready") { [self] _, _ in
      if let reason = await unreadyReason() {
        Self.json(.serviceUnavailable, [("status", "unready"), ("reason", reason)])
      } else {
        Self.json(.ok, [("status", "ready")])
      }
    }
    router.get("metrics") { [metrics] _, _ in
      Response(
        status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
        body: ResponseBody(byteBuffer: ByteBuffer(string: metrics.exposition() + ProcessMetrics.exposition())))
    }
    return router
  }

  private func unreadyReason() async -> String? {
    if ProcessState.isShuttingDown { return "shutting down" }
    let (readiness, limit) = (readiness, checkLimit)
    // The first answer counts; a check that ignores its cancellation must not hold the request up, so no task group.
    let (answers, continuation) = AsyncStream.makeStream(of: String?.self, bufferingPolicy: .bufferingOldest(1))
    let check = Task { continuation.yield(await readiness()) }
    let timer = Task {
      try await Task.sleep(for: limit)
      continuation.yield("check timed out")
    }
    defer {
      check.cancel()
      timer.cancel()
    }
    for await answer in answers { return answer }
    return "check cancelled"
  }

  private static func json(_ status: HTTPResponse.Status, _ fields: [(String, String)]) -> Response {
    var line = JSONLine()
    for (key, value) in fields { line.add(key, value) }
    return Response(
      status: status, headers: [.contentType: "application/json"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: line.finish())))
  }
}
