import CoreMetrics
import Glibc
import Logging
import NIOConcurrencyHelpers
import ServiceLifecycle

/// The life of a service's process: settings, log, metrics, its services in order, signals, exit code.
public struct ServiceRunner {
  /// Runs a service until SIGTERM, SIGINT or a failure, then ends the process.
  ///
  /// The limit of open files and sockets is lifted as far as the system allows. Services start in the order given, which is the order of dependency, and shut down backwards. It ends with 0 after
  /// a graceful shutdown, 78 and one line on standard error when the settings cannot be used, else 1. A second signal
  /// ends it at once. A signal before the services run ends it at once too, with 0: nothing has begun.
  /// - Parameters:
  ///   - service: The executable's name, `api-gateway`.
  ///   - shutdownLimit: After this the process ends with 1 and logs what was still open. `SLUICE_SHUTDOWN_LIMIT` wins.
  ///     Its errors are those of `services`.
  ///   - services: Builds the services. What it throws as `ConfigurationError` ends the process with 78.
  public static func run(
    service: String, shutdownLimit: @Sendable (ServiceSettings) throws -> Duration = { _ in .seconds(10) },
    services build: @Sendable (ServiceSettings, Logger) async throws -> [any Service]
  ) async -> Never {
    let trap = SignalTrap()
    let phase = NIOLockedValueBox<Phase>(.starting)
    trap.onFirst { signal in
      ProcessState.beginShutdown()
      switch phase.withLockedValue({ $0 }) {
      case .starting: _exit(ProcessExit.success)
      case .running(let shutDown): shutDown(signal)
      }
    }
    do {
      let settings = try ServiceSettings.load(service: service)
      DescriptorLimit.raise()
      let logger = bootstrap(settings)
      let services = try await build(settings, logger)
      let limit = try settings.shutdownLimit ?? shutdownLimit(settings)
      _exit(await ServiceProcess(services: services, limit: limit, logger: logger).run(phase))
    } catch let error as ConfigurationError {
      StandardErrorSink().write("\(service): \(error)")
      _exit(ProcessExit.configuration)
    } catch {
      StandardErrorSink().write("\(service): could not start: \(error)")
      _exit(ProcessExit.failure)
    }
  }

  /// What the first signal meets.
  enum Phase: Sendable {
    case starting
    case running(@Sendable (Int32) -> Void)
  }

  private static func bootstrap(_ settings: ServiceSettings) -> Logger {
    let (format, level) = (settings.logFormat, settings.logLevel)
    LoggingSystem.bootstrap(
      { label, provider in format.handler(label: label, level: level, metadataProvider: provider) },
      metadataProvider: RequestScope.metadataProvider)
    MetricsSystem.bootstrap(PrometheusMetrics.shared)
    return Logger(label: settings.serviceName)
  }
}
