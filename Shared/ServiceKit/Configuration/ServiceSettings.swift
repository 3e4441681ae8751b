import AMQP
import Contracts
import Foundation
import Logging
import Postgres

/// What every service is set by.
public struct ServiceSettings: Sendable {
  public var serviceName: String
  /// `SLUICE_INSTANCE`: tells replicas apart and takes over what an instance of the same name left.
  public var instance: String
  /// `SLUICE_AMQP_URL`; connections are named after the instance.
  public var amqp: AMQPConfiguration
  /// `SLUICE_DATABASE_URL`, `SLUICE_DATABASE_POOL_SIZE`, `SLUICE_DATABASE_STATEMENT_TIMEOUT`, `SLUICE_DATABASE_LOCK_TIMEOUT`.
  public var database: PostgresConfiguration
  /// `SLUICE_INTERNAL_HOST`, for health and metrics.
  public var internalHost: String
  /// `SLUICE_INTERNAL_PORT`; 0 lets the kernel pick.
  public var internalPort: Int
  /// `SLUICE_LOG_LEVEL`
  public var logLevel: Logger.Level
  /// `SLUICE_LOG_FORMAT`: `text` or `json`.
  public var logFormat: LogFormat
  /// `SLUICE_PROVIDERS`: the path of the providers file.
  public var providersFile: String?
  /// `SLUICE_SHUTDOWN_LIMIT`, when set.
  public var shutdownLimit: Duration?

  /// Reads them all from the environment and `/run/secrets`.
  /// - Throws: `ConfigurationError` with every mistake.
  public static func load(service: String, settings: Settings = Settings()) throws -> ServiceSettings {
    let instance = settings.string("SLUICE_INSTANCE", default: "\(service)@\(ProcessInfo.processInfo.hostName)")
    let amqp = settings.required("SLUICE_AMQP_URL") { try AMQPConfiguration(url: $0) }
    let database = database(settings, instance: instance)
    let internalPort = settings.int("SLUICE_INTERNAL_PORT", default: 0, in: 0...65_535)
    let logLevel = settings.choice("SLUICE_LOG_LEVEL", default: Logger.Level.info)
    let logFormat = settings.choice("SLUICE_LOG_FORMAT", default: LogFormat.text)
    let shutdownLimit =
      settings.string("SLUICE_SHUTDOWN_LIMIT") == nil
      ? nil : settings.duration("SLUICE_SHUTDOWN_LIMIT", default: .zero, in: .seconds(1) ... .seconds(3_600))
    try settings.check()
    guard let amqp, let database else { throw ConfigurationError([]) }
    return ServiceSettings(
      serviceName: service, instance: instance,
      amqp: amqp.named(instance).with(probe: AMQPProbe(exchange: BrokerNames.probe)),
      database: database,
      internalHost: settings.string("SLUICE_INTERNAL_HOST", default: "127.0.0.1"), internalPort: internalPort,
      logLevel: logLevel, logFormat: logFormat, providersFile: settings.string("SLUICE_PROVIDERS"),
      shutdownLimit: shutdownLimit)
  }

  /// The database alone, for commands that need no broker.
  /// - Throws: `ConfigurationError` with every mistake.
  public static func loadDatabase(name: String, settings: Settings = Settings()) throws -> PostgresConfiguration {
    let database = database(settings, instance: name)
    try settings.check()
    guard let database else { throw ConfigurationError([]) }
    return database
  }

  private static func database(_ settings: Settings, instance: String) -> PostgresConfiguration? {
    let limits: ClosedRange<Duration> = .milliseconds(100) ... .seconds(3_600)
    var database = settings.required("SLUICE_DATABASE_URL") { try PostgresConfiguration(url: $0) }
    let standard = (statement: Duration.seconds(10), lock: Duration.seconds(5))
    database?.poolSize = settings.int("SLUICE_DATABASE_POOL_SIZE", default: 4, in: 1...100)
    database?.statementTimeout = settings.duration(
      "SLUICE_DATABASE_STATEMENT_TIMEOUT", default: standard.statement, in: limits)
    database?.lockTimeout = settings.duration("SLUICE_DATABASE_LOCK_TIMEOUT", default: standard.lock, in: limits)
    // What a frozen process holds, its replacement waits for.
    database?.idleInTransactionTimeout = .seconds(3)
    database?.applicationName = instance
    return database
  }
}
