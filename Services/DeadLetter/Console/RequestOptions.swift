import ArgumentParser
import Contracts
import Foundation

/// Why somebody does something: kept with what was done.
struct ReasonOption: ParsableArguments {
  @Option(help: "Why, for those who read it later.")
  var reason: String?

  var actor: LetterActor { LetterActor(userID: nil, name: NSUserName(), reason: reason) }
}

/// What letters can be told apart by: those that fit every filter given.
struct FilterOptions: ParsableArguments {
  @Option(help: "Only letters with this type of error.")
  var errorType: String?
  @Option(help: "Only letters whose last attempt was at this provider.")
  var provider: String?
  @Option(name: .customLong("user"), help: "Only letters of the user with this id.")
  var userID: UserID?
  @Option(name: .customLong("message"), help: "Only letters of the message with this id.")
  var messageID: MessageID?
  @Option(help: "Only letters from this time on, as 2026-11-21T08:00:00Z.")
  var from: Timestamp?
  @Option(help: "Only letters before this time.")
  var to: Timestamp?
}

/// Which letters a change is about.
struct SelectionOptions: ParsableArguments {
  @Argument(help: "The ids of letters. Without ids: all pending ones that fit every filter.")
  var ids: [EnvelopeID] = []
  @OptionGroup var filter: FilterOptions
  @Option(help: "At most so many, the oldest first.")
  var limit: Int?
  @Flag(help: "Change nothing; say how many letters and segments it would be.")
  var dryRun = false
  @Flag(help: "Needed for a change without ids.")
  var yes = false

  func validate() throws {
    if let limit, !(1...LetterSelection.limit).contains(limit) {
      throw ValidationError("--limit must be from 1 to \(LetterSelection.limit)")
    }
    if ids.count > LetterSelection.idLimit { throw ValidationError("at most \(LetterSelection.idLimit) ids") }
    if ids.isEmpty, !dryRun, !yes {
      throw ValidationError("a change without ids needs --yes; --dry-run shows what it would be")
    }
  }

  var selection: LetterSelection {
    LetterSelection(
      ids: ids.isEmpty ? nil : ids, errorType: filter.errorType, provider: filter.provider, userID: filter.userID,
      messageID: filter.messageID, from: filter.from, to: filter.to, limit: limit)
  }
}

extension MessageClass: ExpressibleByArgument {}
extension DeadLetterSettle.Verdict: ExpressibleByArgument {}
