import ArgumentParser

extension ExitCode {
  /// The gateway refused it.
  static let refused = ExitCode(1)
  /// Not all of it was done.
  static let partly = ExitCode(2)
  /// The gateway, or what it needs, is away.
  static let unavailable = ExitCode(3)
  /// Without a token that may do that.
  static let unauthorized = ExitCode(4)

  /// What an error is to a shell.
  static func of(_ answer: Gateway.Answer) -> ExitCode {
    if answer.isForeign { return .unavailable }
    return switch answer.status {
    case 401, 403: .unauthorized
    case 429 where answer.isDailyLimit: .refused
    case 429, 500...: .unavailable
    default: .refused
    }
  }
}
