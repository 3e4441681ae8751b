import ArgumentParser
import JSONHTTP

/// Which letters.
struct LetterFilterOptions: ParsableArguments {
  @Option(help: "What they died of, such as timeout, throttled, unconfirmed or poison.")
  var errorType: String?

  @Option(name: .customLong("last-provider"), help: "The provider of the last attempt.")
  var lastProvider: String?

  @Option(help: "Whose; an id or a user name.")
  var user: String?

  @Option(help: ArgumentHelp("Of this message.", valueName: "id"))
  var message: String?

  @Option(help: ArgumentHelp("Opened at this time or later, such as 2026-12-01T09:00:00+08:00.", valueName: "time"))
  var from: String?

  @Option(help: ArgumentHelp("Opened at this time or before.", valueName: "time"))
  var to: String?

  var isEmpty: Bool { [errorType, lastProvider, user, message, from, to].allSatisfy { $0 == nil } }

  /// The id of the user that is named, if one is.
  func userID(_ gateway: Gateway) async throws -> String? {
    guard let user else { return nil }
    return try await gateway.userID(user)
  }

  func parameters(user: String?) -> [(String, String?)] {
    [
      ("error_type", errorType), ("provider", lastProvider), ("user_id", user), ("message_id", message), ("from", from),
      ("to", to),
    ]
  }

  /// The member `filter` of a body.
  func filter(user: String?) -> JSONValue {
    var members: [String: JSONValue] = [:]
    for (name, value) in parameters(user: user) { members[name] = value.map { .string($0) } }
    return .object(members)
  }
}

/// Which letters something is to be done with, and whether that is meant.
struct LetterChoice: ParsableArguments {
  @Argument(help: "The letters' ids; without any, all pending ones that fit the filters.")
  var ids: [String] = []

  @Flag(help: "All that are pending, without a filter.")
  var all = false

  @OptionGroup var filter: LetterFilterOptions

  @Option(help: "At most so many, the oldest first.")
  var limit: Int?

  @Flag(help: "Only say what would be done.")
  var dryRun = false

  @Flag(name: [.short, .long], help: "It is meant: needed without ids.")
  var yes = false

  @Option(help: "Why, for those who read about it later.")
  var reason: String?

  func validate() throws {
    let isFiltered = !filter.isEmpty || all
    if ids.isEmpty, !isFiltered { throw ValidationError("Give ids or filters, or --all") }
    if !ids.isEmpty, isFiltered { throw ValidationError("Give either ids or filters") }
    if all, !filter.isEmpty { throw ValidationError("Give either filters or --all") }
    if ids.isEmpty, !dryRun, !yes {
      throw ValidationError("This may be many letters: look with --dry-run, and then say --yes")
    }
  }

  /// The one letter that is named alone: it may be a broker message.
  var single: String? { ids.count == 1 && !dryRun && limit == nil ? ids[0] : nil }

  /// The body of a request for them.
  func body(_ gateway: Gateway, _ verb: String, _ extra: [String: JSONValue]) async throws -> JSONValue {
    var members = extra
    if ids.isEmpty {
      members["filter"] = filter.filter(user: try await filter.userID(gateway))
      if all, verb == ReplayLetters.verb { members["all"] = true }
    } else {
      members["ids"] = .array(ids.map { .string($0) })
    }
    members["limit"] = limit.map { .number(Double($0)) }
    if dryRun { members["dry_run"] = true }
    members["reason"] = reason.map { .string($0) }
    return .object(members)
  }
}
