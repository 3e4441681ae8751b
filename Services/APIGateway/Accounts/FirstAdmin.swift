import Contracts
import Foundation
import Logging
import ServiceKit

/// The admin that a new installation starts with.
struct FirstAdmin: Sendable {
  var username = "admin"
  /// Without a password one is made up, and printed once.
  var password: String?
  /// A token of theirs, for the first program.
  var token: String?
  /// Prints what an operator must see once, where no log keeps it.
  var announce: @Sendable (String) -> Void = { FileHandle.standardError.write(Data("\($0)\n".utf8)) }

  /// Creates what is missing and changes nothing that is there. Any number of replicas may do so at once.
  func create(in store: FirstAdminStore, _ logger: Logger) async throws {
    if try await !store.hasAdmin() {
      let generated = password == nil ? BearerSecret.make(prefix: "") : nil
      let hash = try (password ?? generated).map { try PasswordHash.make(of: PreparedPassword.mapped($0)) }
      // Of replicas that start at once one alone makes it, and prints a password that works.
      if try await store.createAdmin(named: username, passwordHash: hash) {
        logger.notice("The first admin was made", metadata: ["user.name": "\(username)"])
        if let generated {
          announce("Sluice: the first admin is \"\(username)\", the password \"\(generated)\". It is not shown again.")
        }
      }
    }
    if let token { try await store.createToken(TokenDigest(token: token), name: "first", forAdminNamed: username) }
  }
}
