import ServiceLifecycle

extension PostgresPool {
  /// Keeps `isReady` true to life until shutdown or cancellation, then closes the pool.
  public func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        if !self.reachability.wasUsed(within: .seconds(5)) || !self.isReady {
          // The failure is noted and logged by the pool itself.
          _ = try? await self.query("SELECT 1")
        }
        // Cancellation ends the sleep, and the loop's condition looks at it.
        try? await Task.sleep(for: .seconds(1))
      }
    }
    await close()
  }

  /// Takes note of how a use of the database ended, and logs when that changes.
  func note(_ error: (any Error)?, isOpen: Bool) {
    let isReachable = isOpen || !((error as? PostgresError)?.isConnection ?? false)
    guard reachability.note(isReachable) else { return }
    if isReachable {
      logger.info("database reachable")
    } else {
      logger.warning("database unreachable", metadata: ["error": "\(error.map { "\($0)" } ?? "connection lost")"])
    }
  }
}
