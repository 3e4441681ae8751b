import ArgumentParser
import Contracts

struct ListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List letters, or poison messages, newest first.")

  @Flag(help: "Poison messages instead of letters.")
  var poison = false
  @Option(help: "Only letters in this state.")
  var state: LetterState?
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
  @Option(help: "At most so many.")
  var limit = 50
  @Flag(help: "As JSON, with everything.")
  var json = false

  func validate() throws {
    if !(1...10_000).contains(limit) { throw ValidationError("--limit must be from 1 to 10000") }
  }

  func run() async throws {
    try await ArchiveAccess.with { archive in
      if poison {
        let messages = try await archive.poison(limit: limit)
        print(json ? try ArchiveAccess.json(messages) : Listing.of(messages))
      } else {
        let letters = try await archive.letters(
          LetterArchive.Filter(
            state: state, errorType: errorType, provider: provider, userID: userID, messageID: messageID,
            from: from, to: to, limit: limit))
        print(json ? try ArchiveAccess.json(letters) : Listing.of(letters))
      }
    }
  }
}
