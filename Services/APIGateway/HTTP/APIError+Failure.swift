import Logging
import Postgres
import ServiceKit

extension APIError {
  /// What a caller is told of a failure that no handler has foreseen; why it is, the log says.
  static func failure(_ error: any Error, _ logger: Logger) -> APIError {
    switch error {
    case let error as APIError: return error
    case let error as PostgresError:
      // While the database is away every read fails; that it is away is said once, elsewhere.
      let level: Logger.Level = error.code == .server || error.code == .decoding ? .error : .debug
      logger.log(level: level, "The database could not be asked", metadata: [LogKey.error: "\(error)"])
      return .unavailable("The database cannot be asked now")
    default:
      logger.error("A request failed", metadata: [LogKey.errorType: "\(type(of: error))"])
      logger.debug("Why a request failed", metadata: [LogKey.error: "\(error)"])
      return APIError(.internalError, "Something went wrong on our side")
    }
  }
}
