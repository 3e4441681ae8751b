import Logging
import ServiceKit
import ServiceLifecycle
import TestSupport

@testable import StatusProjector

/// A projector within the test's process.
struct RunningProjector {
  let projector: Projector
  private let group: ServiceGroup
  private let task: Task<Void, any Error>

  init(broker: ProjectorBroker, databaseURL: String, limits: BatchLimits = BatchLimits()) throws {
    let settings = try ServiceSettings.load(
      service: "status-projector",
      settings: Settings(environment: [
        "SLUICE_INSTANCE": "test", "SLUICE_AMQP_URL": broker.url, "SLUICE_DATABASE_URL": databaseURL,
      ]))
    projector = buildProjector(settings: settings, limits: limits, logger: .silent)
    group = ServiceGroup(services: projector.services, logger: .silent)
    task = Task { [group] in try await group.run() }
  }

  /// What the health port says.
  func isUnready() async -> Bool {
    guard let port = projector.health.port else { return true }
    let client = JSONClient(base: "http://127.0.0.1:\(port)")
    // No answer is no readiness.
    return (try? await client.get("/health/ready").status) != 200
  }

  /// Ends it as SIGTERM does.
  func stop() async throws {
    await group.triggerGracefulShutdown()
    try await task.value
  }
}
