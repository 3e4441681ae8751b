/// Why one request to the server failed, before it is known what that means to the caller.
enum ExchangeFailure: Error {
  /// Nothing was sent: the connection was found closed.
  case unsent
  /// Nothing was sent: the caller had given up before.
  case stopped(StopRule.Cause)
  /// The server answered with an error and the session goes on; `cause` if we had asked it to end the statement.
  case refused(ServerReport, cause: StopRule.Cause?)
  /// The connection was lost or given up before the answer was complete.
  case lost(ServerReport?, reason: String, cause: StopRule.Cause?)
}

/// An error as the server reported it.
struct ServerReport: Sendable, Equatable {
  var sqlState: String?
  var constraint: String?
  /// The session ends with it (FATAL or PANIC).
  var isFatal: Bool
  /// The full report; may hold data of users.
  var details: String
}

/// What a lost answer leaves open.
enum StatementEffect {
  /// Nothing that lasts: BEGIN, ROLLBACK, PREPARE, a sign of life, or a statement within a transaction.
  case none
  /// The statement may have been committed.
  case commit
}

extension PostgresError {
  /// What the failure means to the caller.
  init(_ failure: ExchangeFailure, effect: StatementEffect, sql: String) {
    switch failure {
    case .unsent:
      self.init(.connection, "the server had closed the connection", foundClosed: true)
    case .stopped(.cancelled):
      self.init(.cancelled, "cancelled before the statement was sent")
    case .stopped(.deadline):
      self.init(.timeout, "no time was left to send the statement")
    case .refused(let report, let cause):
      self.init(report, cause: cause, sql: sql)
    case .lost(let report, let reason, let cause):
      let because =
        switch cause {
        case .deadline: "the time limit passed and \(reason)"
        case .cancelled: "the task was cancelled and \(reason)"
        case nil: reason
        }
      switch effect {
      case .none:
        self.init(
          cause == .cancelled ? .cancelled : .connection, because, sqlState: report?.sqlState, details: report?.details)
      case .commit:
        self.init(
          .commitUnknown, "\(because); whether the statement took effect is unknown", sqlState: report?.sqlState,
          details: report?.details)
      }
    }
  }

  private init(_ report: ServerReport, cause: StopRule.Cause?, sql: String) {
    let details = "\(report.details); in: \(sql)"
    switch (report.sqlState, cause) {
    case ("57014", .cancelled):
      self.init(.cancelled, "the task was cancelled", sqlState: report.sqlState, details: details)
    case ("57014", .deadline), ("57014", nil):
      self.init(
        .timeout, "the statement took too long or was cancelled by the server", sqlState: report.sqlState,
        details: details)
    case (let state, _):
      let constraint = report.constraint.map { " on constraint \($0)" } ?? ""
      self.init(
        .server, "the server answered SQLSTATE \(state ?? "unknown")\(constraint)", sqlState: state,
        constraint: report.constraint, details: details)
    }
  }
}
