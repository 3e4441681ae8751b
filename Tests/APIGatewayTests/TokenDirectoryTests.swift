import Contracts
import Testing

@testable import APIGateway

@Suite("Tokens")
struct TokenDirectoryTests {
  private let user = Principal(userID: .timeOrdered(), username: "ann", isAdmin: false, weight: 1)
  private let now = Timestamp(microseconds: 1_000_000)

  private func record(_ token: String, isUsable: Bool = true, expiresAt: Timestamp? = nil) -> TokenDirectory.Record {
    TokenDirectory.Record(
      digest: TokenDigest(token: token), principal: user, expiresAt: expiresAt, isUsable: isUsable)
  }

  private func directory(_ records: [TokenDirectory.Record]) -> TokenDirectory {
    var directory = TokenDirectory()
    directory.replaceAll(records)
    return directory
  }

  @Test("A token finds its user, and another does not")
  func lookup() {
    let directory = directory([record("secret")])
    #expect(directory.principal(for: TokenDigest(token: "secret"), at: now) == user)
    #expect(directory.principal(for: TokenDigest(token: "Secret"), at: now) == nil)
  }

  @Test("An expired token does not work from its very moment")
  func expiry() {
    let directory = directory([record("secret", expiresAt: now + .seconds(1))])
    #expect(directory.principal(for: TokenDigest(token: "secret"), at: now) != nil)
    #expect(directory.principal(for: TokenDigest(token: "secret"), at: now + .seconds(1)) == nil)
  }

  @Test("A revoked token goes with the next change read, and comes back when it is usable again")
  func revocation() {
    var directory = directory([record("secret"), record("other")])
    directory.apply([record("secret", isUsable: false)])
    #expect(directory.principal(for: TokenDigest(token: "secret"), at: now) == nil)
    #expect(directory.principal(for: TokenDigest(token: "other"), at: now) != nil)
    directory.apply([record("secret")])
    #expect(directory.principal(for: TokenDigest(token: "secret"), at: now) != nil)
  }

  @Test("A disabled user's tokens stop at the fact, and a new weight counts at once")
  func userChanged() {
    var directory = directory([record("secret")])
    directory.apply(UserChanged(userID: user.userID, isActive: true, weight: 3))
    #expect(directory.principal(for: TokenDigest(token: "secret"), at: now)?.weight == 3)
    directory.apply(UserChanged(userID: .timeOrdered(), isActive: false, weight: 1))
    #expect(directory.count == 1)
    directory.apply(UserChanged(userID: user.userID, isActive: false, weight: 3))
    #expect(directory.count == 0)
  }

  @Test("What is no longer there is gone after everything was read")
  func replacing() {
    var directory = TokenDirectory()
    #expect(!directory.isLoaded)
    directory.replaceAll([record("a"), record("b", isUsable: false)])
    #expect(directory.isLoaded)
    #expect(directory.count == 1)
    directory.replaceAll([])
    #expect(directory.count == 0)
  }

  @Test("A digest is the SHA-256 of the token's bytes")
  func digest() throws {
    let digest = TokenDigest(token: "abc")
    let hexadecimal = digest.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    #expect(hexadecimal == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(TokenDigest(bytes: digest.bytes) == digest)
    #expect(TokenDigest(bytes: Array(digest.bytes.dropLast())) == nil)
  }

  @Test("A bearer token is read whatever the scheme's case, and nothing else is one")
  func bearer() {
    #expect(BearerToken.parse("Bearer abc") == "abc")
    #expect(BearerToken.parse("bearer  abc") == "abc")
    for header in [nil, "", "Bearer", "Bearer ", "Basic abc", "Bearer a b", "abc"] {
      #expect(BearerToken.parse(header) == nil)
    }
  }

  @Test("A password's hash has its own salt and tells nothing of the password")
  func passwordHash() throws {
    let one = try PasswordHash.make(of: "secret")
    #expect(one.hasPrefix("scrypt$32768$8$1$"))
    #expect(try PasswordHash.make(of: "secret") != one)
    #expect(try PasswordHash.make(of: "a", salt: [1]) == PasswordHash.make(of: "a", salt: [1]))
  }
}
