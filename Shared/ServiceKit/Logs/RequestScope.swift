import Logging

/// The request that the current task works for, so that every line it logs carries `request.id`.
public enum RequestScope {
  /// The `X-Request-ID` of the HTTP request that caused the work, handed on in every broker message.
  @TaskLocal public static var requestID: String?

  /// Runs `body` on behalf of a request.
  public static func with<Result>(_ requestID: String?, _ body: () async throws -> Result) async rethrows -> Result {
    try await $requestID.withValue(requestID, operation: body)
  }

  /// Adds the id to log lines.
  public static let metadataProvider = Logger.MetadataProvider {
    requestID.map { [LogKey.requestID: "\($0)"] } ?? [:]
  }
}
