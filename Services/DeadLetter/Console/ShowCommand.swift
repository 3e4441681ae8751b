import ArgumentParser
import Contracts
import ServiceKit

struct ShowCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show one letter with all its attempts, or one poison message, as JSON.")

  @Argument(help: "The id of a letter or of a poison message.")
  var id: EnvelopeID

  func run() async throws {
    try await ArchiveAccess.with { archive in
      if let letter = try await archive.letter(id) {
        print(try ArchiveAccess.json(letter))
      } else if let message = try await archive.poison(id) {
        print(try ArchiveAccess.json(message))
      } else {
        StandardErrorSink().write("dead-letter: there is nothing with the id \(id)")
        throw ExitCode.failure
      }
    }
  }
}
