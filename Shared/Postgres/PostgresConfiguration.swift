/// Where a PostgreSQL server is and how connections to it behave.
public struct PostgresConfiguration: Sendable {
  /// `postgresql://user:password@host1:port1,host2:port2/database?sslmode=…`; libpq's other parameters may follow. Hosts
  /// are tried in order.
  public let url: String
  /// Connections that are kept open.
  public var poolSize = 4
  /// Connections beyond `poolSize` that may be open for a moment; each is closed after its use.
  public var overflow = 2
  /// A connection older than this is closed after its use and replaced.
  public var recycleAge: Duration = .seconds(30 * 60)
  /// A connection that was idle for longer is asked for a sign of life before it is lent.
  public var idleCheck: Duration = .seconds(30)
  /// The server ends a statement that takes longer; two seconds later the client gives it up by itself.
  public var statementTimeout: Duration = .seconds(10)
  /// The server ends a statement that waits longer for a lock.
  public var lockTimeout: Duration = .seconds(5)
  /// The server ends a session that is idle within a transaction for longer.
  public var idleInTransactionTimeout: Duration = .seconds(30)
  /// The limit for one attempt to connect to one host.
  public var connectTimeout: Duration = .seconds(3)
  /// What `pg_stat_activity` shows.
  public var applicationName = "sluice"

  let hosts: [ConnectionParameters]

  /// Reads a URL or a `key=value` string as libpq does.
  /// - Throws: `PostgresError` with `.configuration`, which says what is wrong and never holds the password.
  public init(url: String) throws {
    self.url = url
    hosts = try ConnectionParameters.perHost(url: url)
  }

  /// The same for a pool of one connection, which no other work uses.
  public var ofOneConnection: PostgresConfiguration {
    var configuration = self
    configuration.poolSize = 1
    configuration.overflow = 0
    return configuration
  }
}
