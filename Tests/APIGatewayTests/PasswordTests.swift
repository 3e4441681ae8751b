import NIOConcurrencyHelpers
import Testing

@testable import APIGateway

@Suite("Passwords")
struct PasswordTests {
  @Test("A hash knows its password, and no other")
  func matches() throws {
    let hash = try #require(PasswordHash(try PasswordHash.make(of: "correct horse")))
    let right = try hash.matches("correct horse")
    let wrong = try hash.matches("correct horsf")
    let empty = try hash.matches("")
    #expect(right)
    #expect(!wrong)
    #expect(!empty)
    #expect(hash.isCurrent)
  }

  @Test("A hash with other parameters still works, and is known to be old")
  func older() throws {
    // RFC 7914, section 12: scrypt("pleaseletmein", "SodiumChloride", 16384, 8, 1), its first half.
    let known = "scrypt$16384$8$1$U29kaXVtQ2hsb3JpZGU=$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofI="
    let hash = try #require(PasswordHash(known))
    #expect(!hash.isCurrent)
    let right = try hash.matches("pleaseletmein")
    #expect(right)
  }

  @Test(
    "What is no hash is none, nor what would take more memory than there is",
    arguments: [
      "", "secret", "scrypt$32768$8$1$AAAA", "md5$32768$8$1$AAAA$AAAA", "scrypt$1000$8$1$AAAA$AAAA",
      "scrypt$1073741824$8$1$AAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "scrypt$-2$8$1$AAAA$AAAA",
    ])
  func malformed(_ text: String) { #expect(PasswordHash(text) == nil) }

  @Test("No hash takes the work of one, and nothing matches it")
  func dummy() async throws {
    let workers = PasswordWorkers()
    let some = try #require(PasswordHash(try PasswordHash.make(of: "secret")))
    let clock = ContinuousClock()
    // Warm, and the least of several: a machine that does other things makes any one of them slow.
    var with = Duration.seconds(60)
    var without = Duration.seconds(60)
    for _ in 0..<4 {
      with = min(with, try await clock.measure { _ = try await workers.verify("guess", some) })
      without = min(
        without,
        try await clock.measure {
          let isRight = try await workers.verify("guess", nil)
          #expect(!isRight)
        })
    }
    #expect(without > with / 2 && without < with * 2, "\(without) and \(with)")
  }

  @Test("Hashing blocks nobody else, and more than can wait are refused at once")
  func bounded() async throws {
    let workers = PasswordWorkers(threads: 1, capacity: 3)
    let results = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<12 {
        group.addTask {
          do {
            _ = try await workers.hash(of: "secret")
            return true
          } catch {
            return false
          }
        }
      }
      return await group.reduce(into: [Bool]()) { $0.append($1) }
    }
    #expect(results.filter { $0 }.count >= 3)
    #expect(results.contains(false))
    let after = try await workers.hash(of: "secret")
    #expect(after.hasPrefix("scrypt$"))
  }
}
