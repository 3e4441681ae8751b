import AMQP
import Contracts
import Postgres

/// What an error in the handling of a delivery means for it.
enum IntakeFailure: Sendable, Hashable {
  /// The message itself cannot be handled, now or later: it is set aside.
  case poison
  /// The database is away: nothing more is fetched until it is back.
  case databaseAway
  /// Tried again after a while.
  case later
  /// The service stops: the broker delivers it again.
  case stopping

  init(_ error: any Error) {
    switch error {
    case is WireError: self = .poison
    case is CancellationError: self = .stopping
    case let error as PublishError where error.code == .closed: self = .stopping
    case let error as PostgresError: self = Self.meaning(of: error)
    default: self = .later
    }
  }

  private static func meaning(of error: PostgresError) -> IntakeFailure {
    switch error.code {
    case .parameter: .poison
    // Class 22, data, and 23, constraints: the content does not fit and never will. But what is there twice is known by
    // the next try.
    case .server:
      ["22", "23"].contains(error.sqlState?.prefix(2)) && !error.isUniqueViolation ? .poison : .later
    case .connection, .commitUnknown, .poolExhausted: .databaseAway
    case .cancelled: .stopping
    case .timeout, .decoding, .configuration: .later
    }
  }
}
