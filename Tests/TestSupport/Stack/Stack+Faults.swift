import Foundation

extension Stack {
  /// Where failpoints are armed, by a file of each one's name.
  var failpoints: URL { home.appending(path: "failpoints") }

  /// Arms a failpoint of a service of this stack: whoever reaches it first dies as by `kill -9`.
  public func arm(_ failpoint: String) throws {
    try Data().write(to: failpoints.appending(path: failpoint))
  }

  /// Takes back what was armed and not reached.
  public func disarm(_ failpoint: String) {
    // Reached meanwhile: then there is nothing to take back.
    try? FileManager.default.removeItem(at: failpoints.appending(path: failpoint))
  }

  /// Waits until a service has died of a failpoint.
  public func waitUntilDead(_ service: StackProcess, within limit: Duration = .seconds(20)) async throws {
    try await pid(of: service).ends(within: limit)
  }

  /// Stops a process where it is (SIGSTOP): its connections stay open and nobody answers on them.
  public func freeze(_ service: StackProcess) throws { try pid(of: service).send(SIGSTOP) }

  /// Lets a frozen process go on, as if no time had passed for it.
  public func thaw(_ service: StackProcess) throws { try pid(of: service).send(SIGCONT) }

  /// Kills a server and starts it again, with the same port and data.
  public func restart(_ server: StackProcess) async throws {
    try await kill(server)
    try await up()
  }

  /// Works on with other providers: every service is restarted.
  public func use(providers text: String) async throws {
    try text.write(to: home.appending(path: "providers.yaml"), atomically: true, encoding: .utf8)
    try await up()
  }
}
