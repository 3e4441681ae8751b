import ArgumentParser
import Contracts
import Foundation
import Logging
import Postgres
import ServiceKit

/// Opens the archive for one command.
enum ArchiveAccess {
  /// Runs `body`; an error ends the command with one line and an exit code of its own kind.
  static func with(_ body: (LetterArchive) async throws -> Void) async throws {
    do {
      let pool = PostgresPool(
        configuration: try ServiceSettings.loadDatabase(name: "dead-letter console"),
        logger: Logger(label: "dead-letter") { TextLogHandler(label: $0, logLevel: .error) })
      do {
        try await body(LetterArchive(pool: pool))
      } catch {
        await pool.close()
        throw error
      }
      await pool.close()
    } catch let error as ConfigurationError {
      StandardErrorSink().write("dead-letter: \(error)")
      throw ExitCode(ProcessExit.configuration)
    } catch let error as PostgresError {
      StandardErrorSink().write("dead-letter: \(error)")
      throw ExitCode.failure
    }
  }

  static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}

extension Identifier: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

extension Timestamp: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}

extension LetterState: ExpressibleByArgument {}
