import Testing

@testable import Postgres

@Suite struct FailureMeaningTests {
  private func error(
    _ failure: ExchangeFailure, _ effect: StatementEffect
  ) -> PostgresError { PostgresError(failure, effect: effect, sql: "SELECT secret") }

  private func report(_ state: String, isFatal: Bool = false) -> ServerReport {
    ServerReport(sqlState: state, constraint: nil, isFatal: isFatal, details: "key (phone)=(+852…) exists")
  }

  @Test("A lost answer is unknown only where something may have been committed")
  func lost() {
    let lost = ExchangeFailure.lost(report("57P01", isFatal: true), reason: "gone", cause: nil)
    #expect(error(lost, .commit).code == .commitUnknown)
    #expect(!error(lost, .commit).isRetryable)
    #expect(error(lost, .none).code == .connection)
    #expect(error(lost, .none).isRetryable)
    #expect(error(.unsent, .commit).code == .connection)
  }

  @Test("A cancelled statement is told apart by who cancelled it")
  func cancelled() {
    #expect(error(.refused(report("57014"), cause: .cancelled), .commit).code == .cancelled)
    #expect(error(.refused(report("57014"), cause: .deadline), .commit).code == .timeout)
    #expect(error(.refused(report("57014"), cause: nil), .commit).code == .timeout)
    #expect(error(.refused(report("23505"), cause: .cancelled), .commit).code == .server)
  }

  @Test("Serialization failures and deadlocks may be retried, other errors not")
  func retryable() {
    #expect(error(.refused(report("40001"), cause: nil), .none).isRetryable)
    #expect(error(.refused(report("40P01"), cause: nil), .none).isRetryable)
    #expect(!error(.refused(report("23505"), cause: nil), .none).isRetryable)
    #expect(error(.refused(report("23505"), cause: nil), .none).isUniqueViolation)
  }

  @Test("The description holds neither data nor SQL")
  func safe() {
    let error = error(.refused(report("23505"), cause: nil), .none)
    #expect(!"\(error)".contains("phone") && !"\(error)".contains("secret"))
    #expect(String(reflecting: error).contains("phone"))
  }
}
