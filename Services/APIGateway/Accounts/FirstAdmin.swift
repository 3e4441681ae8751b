/// The admin that a new installation starts with, from the settings.
struct FirstAdmin: Sendable {
  var username: String
  var password: String?
  /// A token of theirs, for the first program.
  var token: String?

  /// Creates what is missing and changes nothing that is there.
  func create(in store: AccountStore) async throws {
    if try await !store.hasUser(named: username) {
      try await store.createAdmin(named: username, passwordHash: try password.map { try PasswordHash.make(of: $0) })
    }
    if let token {
      try await store.createToken(TokenDigest(token: token), name: "first", forUserNamed: username)
    }
  }
}
