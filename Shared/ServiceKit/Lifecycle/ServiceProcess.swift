import Glibc
import Logging
import NIOConcurrencyHelpers
import ServiceLifecycle

/// Runs a process's services as one group and decides its exit code.
struct ServiceProcess {
  var services: [any Service]
  var limit: Duration
  var logger: Logger
  /// Called when the shutdown takes longer than the limit.
  var onOverdue: @Sendable () -> Void = { _exit(ProcessExit.failure) }

  /// - Parameter phase: Told how to begin the graceful shutdown.
  func run(_ phase: NIOLockedValueBox<ServiceRunner.Phase>) async -> Int32 {
    let open = OpenServices()
    let (logger, overdue, limit) = (logger, onOverdue, limit)
    let clock = ShutdownClock(limit: limit) {
      logger.error(
        "shutdown took too long",
        metadata: [
          LogKey.openServices: .array(open.names.map { .string($0) }), LogKey.duration: "\(limit)",
        ])
      overdue()
    }
    let wasAsked = NIOLockedValueBox(false)
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: services.enumerated().map { index, service in
          let name = String(describing: type(of: service))
          let tracked = TrackedService(
            index: index, service: service, open: open, isShuttingDown: { clock.hasBegun },
            onEarlyEnd: { clock.begin() },
            onLateFailure: { error in
              logger.error(
                "a service failed while stopping", metadata: [LogKey.task: "\(name)", LogKey.error: "\(error)"])
            })
          return ServiceGroupConfiguration.ServiceConfiguration(
            service: tracked, successTerminationBehavior: .gracefullyShutdownGroup,
            failureTerminationBehavior: .gracefullyShutdownGroup, serviceName: tracked.name)
        },
        logger: logger.atLeast(.warning)))
    phase.withLockedValue { phase in
      phase = .running { signal in
        wasAsked.withLockedValue { $0 = true }
        logger.info(
          "shutting down",
          metadata: [
            LogKey.signal: "\(signal)", LogKey.openServices: .array(open.names.map { .string($0) }),
          ])
        clock.begin()
        Task { await group.triggerGracefulShutdown() }
      }
    }
    defer { clock.end() }
    logger.info("started", metadata: [LogKey.version: "\(BuildInfo.version)"])
    do {
      try await group.run()
    } catch {
      logger.error(
        "a service failed", metadata: [LogKey.task: "\(open.culprit ?? "unknown")", LogKey.error: "\(error)"])
      return ProcessExit.failure
    }
    if let culprit = open.culprit {
      logger.error("a service failed or ended by itself", metadata: [LogKey.task: "\(culprit)"])
      return ProcessExit.failure
    }
    logger.info("stopped")
    return wasAsked.withLockedValue { $0 } ? ProcessExit.success : ProcessExit.failure
  }
}

extension Logger {
  /// The same, but only from this level on.
  func atLeast(_ level: Logger.Level) -> Logger {
    var logger = self
    logger.logLevel = max(logger.logLevel, level)
    return logger
  }
}
