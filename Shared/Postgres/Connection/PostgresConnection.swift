import BlockingIO
import NIOConcurrencyHelpers

/// One session of the server: one connection on one thread. Statements run one after the other.
///
/// Got from a pool by `withConnection` or `withTransaction`, and not to be used after their body has returned. Begin and
/// end transactions by `withTransaction` only, else a lost COMMIT cannot be told from a lost statement. A cancelled task
/// ends its statement in the server; LISTEN and COPY are not supported.
public actor PostgresConnection {
  private let executor: ThreadExecutor
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let configuration: PostgresConfiguration
  private let wakeup = EventDescriptor()
  private var link: Link?
  private var statements = StatementCache(capacity: 200)
  private nonisolated let snapshot = NIOLockedValueBox(Condition.closed)

  /// What the pool must know when the connection comes back.
  enum Condition: Sendable {
    case idle
    case inTransaction
    case closed
  }

  /// The state after the last statement, without waiting for the connection's thread.
  nonisolated var condition: Condition { snapshot.withLockedValue { $0 } }

  init(configuration: PostgresConfiguration, name: String) {
    self.configuration = configuration
    executor = ThreadExecutor(name: name)
  }

  /// Runs one statement and returns all of its rows.
  ///
  /// It is prepared at its first use and then costs one round trip. Outside a transaction it is committed when this
  /// returns.
  /// - Throws: `PostgresError`.
  @discardableResult
  public func query(_ query: PostgresQuery) async throws -> PostgresRows {
    try await interruptible { interruption in
      let arguments = try Arguments(query.parameters)
      let key = StatementCache.Key(sql: try query.checkedSQL(), types: arguments.types)
      return PostgresRows(table: try run(key, arguments, stop: rule(interruption)))
    }
  }

  /// Runs several statements, separated by semicolons, without parameters and in one transaction unless they say
  /// otherwise.
  /// - Parameter timeout: The client's limit; the server's `statement_timeout` holds for each statement.
  /// - Throws: `PostgresError`.
  public func execute(script: String, timeout: Duration? = nil) async throws {
    try await interruptible { interruption in
      let sql = try PostgresQuery(unsafeSQL: script).checkedSQL()
      _ = try exchange(sql: sql, effect: nil) { link throws(ExchangeFailure) in
        try link.run(script: sql, stop: rule(interruption, timeout: timeout))
      }
    }
  }

  // MARK: Session

  /// Connects; blocks this connection's thread, not the caller's.
  func open() async throws {
    try await interruptible { interruption in
      link = try Link.open(configuration, wakeup: wakeup, interruption: interruption)
      noteCondition()
    }
  }

  /// Closes the session; the server rolls back what is open.
  func close() {
    link = nil
    noteCondition()
  }

  /// Whether the server has closed the connection, as far as can be seen without asking it.
  func hasHungUp() -> Bool {
    let hasHungUp = link?.hasHungUp() ?? true
    noteCondition()
    return hasHungUp
  }

  /// Asks the server for a sign of life.
  func isAlive(within limit: Duration) -> Bool {
    // A failure is the answer, and shows in the condition.
    let answer = try? control("SELECT 1", stop: StopRule(deadline: .now + limit, asksServer: false))
    return answer != nil
  }

  // MARK: Transactions

  func begin() async throws {
    try await interruptible { interruption in
      guard link?.isInTransaction != true else {
        throw PostgresError(.server, "a transaction is open already", sqlState: "25001")
      }
      _ = try control("BEGIN", stop: rule(interruption))
    }
  }

  /// Commits. Neither cancelled nor ended by the time limit: a COMMIT may have taken effect already.
  func commit() throws {
    let stop = StopRule(deadline: rule(nil).deadline, asksServer: false)
    let table = try control("COMMIT", effect: .commit, stop: stop)
    guard table.commandTag == "COMMIT" else {
      throw PostgresError(.server, "the transaction had failed and was rolled back", sqlState: "25P02")
    }
  }

  /// Rolls back what is open, also in a cancelled task; a connection that cannot is closed.
  func rollBack() {
    guard link?.isInTransaction == true else { return }
    // Whatever goes wrong here, closing the session rolls back too.
    if (try? control("ROLLBACK", stop: rule(nil))) == nil { close() }
  }

  private func control(_ sql: String, effect: StatementEffect = .none, stop: StopRule) throws -> ResultTable {
    try exchange(sql: sql, effect: effect) { link throws(ExchangeFailure) in
      try link.run(script: sql, stop: stop)
    }
  }

  // MARK: Statements

  private func run(_ key: StatementCache.Key, _ arguments: Arguments, stop: StopRule) throws -> ResultTable {
    let isCached = statements.name(for: key) != nil
    do {
      let name = try preparedName(for: key, stop: stop)
      return try exchange(sql: key.sql, effect: nil) { link throws(ExchangeFailure) in
        try link.run(prepared: name, arguments, stop: stop)
      }
    } catch let error as PostgresError where isCached && error.isStalePlan {
      statements.forget(key)
      // Outside a transaction nothing is lost by preparing it anew.
      guard link?.isInTransaction == false else { throw error }
      return try run(key, arguments, stop: stop)
    }
  }

  private func preparedName(for key: StatementCache.Key, stop: StopRule) throws -> String {
    if let name = statements.name(for: key) { return name }
    try deallocateEvicted(stop: stop)
    let name = statements.newName()
    _ = try exchange(sql: key.sql, effect: StatementEffect.none) { link throws(ExchangeFailure) in
      try link.prepare(name, sql: key.sql, types: key.types, stop: stop)
      return ResultTable.empty
    }
    statements.insert(name, for: key)
    return name
  }

  /// Not within a transaction, which the failure to find a statement would end.
  private func deallocateEvicted(stop: StopRule) throws {
    guard !statements.evicted.isEmpty, link?.isInTransaction == false else { return }
    for name in statements.evicted {
      do {
        _ = try control("DEALLOCATE \(name)", stop: stop)
      } catch let error as PostgresError where error.sqlState == "26000" {
        // Gone already, by DEALLOCATE ALL or DISCARD.
      }
      statements.deallocated(name)
    }
  }

  /// Runs one exchange and says what its failure means.
  /// - Parameter effect: `nil` for a statement of the caller, which commits unless a transaction is open.
  private func exchange(
    sql: String, effect: StatementEffect?, _ body: (Link) throws(ExchangeFailure) -> ResultTable
  ) throws -> ResultTable {
    guard let link else { throw PostgresError(.connection, "the connection is closed", foundClosed: true) }
    let effect = effect ?? (link.isInTransaction ? .none : .commit)
    defer { noteCondition() }
    do throws(ExchangeFailure) {
      return try body(link)
    } catch {
      throw PostgresError(error, effect: effect, sql: sql)
    }
  }

  private func noteCondition() {
    if link?.isLost == true { link = nil }
    let now: Condition =
      switch link?.isInTransaction {
      case nil: .closed
      case true?: .inTransaction
      case false?: .idle
      }
    snapshot.withLockedValue { $0 = now }
    if link == nil { statements = StatementCache(capacity: 200) }
  }

  // MARK: Waiting

  /// The server ends a statement by itself at `statementTimeout`; the client waits a little longer for its answer.
  private func rule(_ interruption: Interruption?, timeout: Duration? = nil) -> StopRule {
    StopRule(deadline: .now + (timeout ?? configuration.statementTimeout) + .seconds(2), interruption: interruption)
  }

  private func interruptible<Result: Sendable>(_ body: (Interruption) throws -> Result) async throws -> Result {
    let interruption = Interruption(wakeup: wakeup)
    return try await withTaskCancellationHandler {
      // A closure that does not use the actor would run on the shared pool, and block it.
      preconditionIsolated()
      return try body(interruption)
    } onCancel: {
      interruption.cancel()
    }
  }
}

extension PostgresQuery {
  fileprivate func checkedSQL() throws -> String {
    let sql = sql
    guard !sql.utf8.contains(0) else { throw PostgresError(.parameter, "the SQL text holds NUL") }
    return sql
  }
}

extension PostgresError {
  /// A prepared statement is gone (26000), or its tables have changed so that its columns would (0A000).
  fileprivate var isStalePlan: Bool { sqlState == "26000" || sqlState == "0A000" }
}
