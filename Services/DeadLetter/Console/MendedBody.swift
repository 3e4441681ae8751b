import ArgumentParser
import Contracts
import Foundation

/// A poison message that somebody has mended by hand.
enum MendedBody {
  static func read(_ path: String?) throws -> String? {
    guard let path else { return nil }
    let data: Data
    do {
      data =
        path == "-" ? try FileHandle.standardInput.readToEnd() ?? Data() : try Data(contentsOf: URL(filePath: path))
    } catch {
      throw ValidationError("--body: \(path) cannot be read")
    }
    guard let text = String(validating: data, as: UTF8.self) else { throw ValidationError("--body is not UTF-8") }
    return text
  }

  /// What is wrong with it, naming the field; `nil` when its consumer can work with it.
  static func problem(_ command: LetterCommand, _ archive: LetterArchive) async throws -> String? {
    guard case .return(let command) = command, let body = command.body,
      let message = try await archive.poison(command.letterID)
    else { return nil }
    do {
      try Wire.check(Array(body.utf8), for: message.queue)
      return nil
    } catch let error as WireError {
      return error.description
    }
  }
}
