import Contracts
import Logging
import NIOConcurrencyHelpers
import Postgres
import ServiceKit
import ServiceLifecycle

/// Sets the schema up and keeps the token directory like the database.
///
/// While the database is away the directory stays as it is, and is read whole when the database is back.
struct AccountsService: Service {
  let store: AccountStore
  let directory: NIOLockedValueBox<TokenDirectory>
  let firstAdmin: FirstAdmin
  let refreshSignal: RefreshSignal
  /// Between two readings of what changed, when no fact tells sooner.
  var interval = Duration.seconds(2)
  let logger: Logger

  /// Until the database is asked again that does not answer at the start.
  private static let startInterval = Duration.seconds(2)
  /// Up to here all tokens are read each time.
  private static let cheapCount = 2_000
  /// Between two readings of everything when there are more.
  private static let wholeInterval = Duration.seconds(60)

  func run() async throws {
    await cancelWhenGracefulShutdown {
      await prepare()
      await refreshForEver()
    }
  }

  /// Repeats until the database has answered: a gateway may be started before it.
  private func prepare() async {
    while !Task.isCancelled {
      do {
        try await Migrator.migrate(
          schema: AccountsMigrations.schema, migrations: AccountsMigrations.all, pool: store.pool, logger: logger)
        try await firstAdmin.create(in: FirstAdminStore(pool: store.pool), logger)
        return
      } catch {
        logger.warning("Accounts are not ready", metadata: [LogKey.error: "\(error)"])
        await refreshSignal.wait(atMost: Self.startInterval)
      }
    }
  }

  private func refreshForEver() async {
    var lastWhole: ContinuousClock.Instant?
    var failures = 0
    while !Task.isCancelled {
      do {
        let count = directory.withLockedValue { directory in
          directory.beginReading()
          return directory.count
        }
        if let lastWhole, failures == 0, count > Self.cheapCount, .now - lastWhole < Self.wholeInterval {
          let (changed, gone) = try await store.recentChanges()
          directory.withLockedValue { $0.apply(changed, gone: gone) }
        } else {
          let start = ContinuousClock.now
          let all = try await store.allTokens()
          directory.withLockedValue { $0.replaceAll(all) }
          lastWhole = start
        }
        if failures > 0 { logger.info("Tokens are read again") }
        failures = 0
      } catch {
        failures += 1
        if failures == 1, !Task.isCancelled {
          logger.warning("Tokens could not be read", metadata: [LogKey.error: "\(error)"])
        }
      }
      await refreshSignal.wait(atMost: interval)
    }
  }
}
