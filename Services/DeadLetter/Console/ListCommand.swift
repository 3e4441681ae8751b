import ArgumentParser
import Contracts

struct ListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List letters, or poison messages, newest first.")

  @Flag(help: "Poison messages instead of letters.")
  var poison = false
  @Option(help: "Only letters in this state.")
  var state: LetterState?
  @OptionGroup var filter: FilterOptions
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
            state: state, errorType: filter.errorType, provider: filter.provider, userID: filter.userID,
            messageID: filter.messageID, from: filter.from, to: filter.to, limit: limit))
        print(json ? try ArchiveAccess.json(letters) : Listing.of(letters))
      }
    }
  }
}
