import Testing

@testable import APIGateway

@Suite("Login throttle")
struct LoginThrottleTests {
  private var throttle = LoginThrottle()

  private static func address(_ number: Int) -> [UInt8] { [10, 0, UInt8(number / 256), UInt8(number % 256)] }

  /// Fails a login; how long to wait, or `nil` when it was let through.
  private static func fail(
    _ throttle: inout LoginThrottle, _ user: String = "ann", from address: Int = 1, at now: Double = 0
  ) -> Double? {
    switch throttle.admit(username: user, address: Self.address(address), now: now) {
    case .allowed: nil
    case .refused(let wait): Double(wait.components.seconds) + Double(wait.components.attoseconds) / 1e18
    }
  }

  /// Logs in; false when it was refused.
  private static func succeed(
    _ throttle: inout LoginThrottle, _ user: String = "ann", from address: Int = 1, at now: Double = 0
  ) -> Bool {
    guard case .allowed(let attempt) = throttle.admit(username: user, address: Self.address(address), now: now) else {
      return false
    }
    throttle.succeeded(attempt, now: now)
    return true
  }

  @Test("Ten tries at a user from an address are let through, and then one every ninety seconds")
  func ofOneAddress() {
    var throttle = throttle
    let first = (0..<10).map { _ in Self.fail(&throttle) }
    #expect(first.allSatisfy { $0 == nil })
    let wait = Self.fail(&throttle)
    #expect(wait == 90)
    let early = Self.fail(&throttle, at: 89)
    #expect(early != nil)
    let later = Self.fail(&throttle, at: 90.1)
    #expect(later == nil)
    let other = Self.fail(&throttle, from: 2, at: 90.1)
    #expect(other == nil)
  }

  @Test("The name's case makes no other user")
  func letterCase() {
    var throttle = throttle
    for index in 0..<10 { _ = Self.fail(&throttle, index.isMultiple(of: 2) ? "Ann" : "aNN") }
    let wait = Self.fail(&throttle, "ann")
    #expect(wait != nil)
  }

  @Test("A capital i with a dot is the i that the database takes it for")
  func dottedLetter() {
    var throttle = throttle
    for index in 0..<10 { _ = Self.fail(&throttle, index.isMultiple(of: 2) ? "ADM\u{130}N" : "admin") }
    let wait = Self.fail(&throttle, "Adm\u{130}n")
    #expect(wait != nil)
  }

  @Test("An address that tries one name after the other is stopped after thirty")
  func spraying() {
    var throttle = throttle
    let waits = (0..<31).map { Self.fail(&throttle, "user\($0)") }
    #expect(waits.dropLast().allSatisfy { $0 == nil })
    #expect(waits.last == 30)
  }

  @Test("A right password takes no try, and gives back those that failed before")
  func success() {
    var throttle = throttle
    for _ in 0..<5 {
      for _ in 0..<9 { _ = Self.fail(&throttle) }
      let isIn = Self.succeed(&throttle)
      #expect(isIn)
    }
    let again = (0..<10).map { _ in Self.fail(&throttle) }
    #expect(again.allSatisfy { $0 == nil })
  }

  @Test("A user logs in sixty times from wherever they are, and then every fifteen seconds")
  func tooManyRightOnes() {
    var throttle = throttle
    let results = (0..<60).map { Self.succeed(&throttle, from: $0 % 3) }
    #expect(results.allSatisfy { $0 })
    let wait = Self.fail(&throttle, "ANN", from: 5)
    #expect(wait == 15)
    let other = Self.succeed(&throttle, "bob")
    #expect(other)
    let later = Self.succeed(&throttle, at: 15.1)
    #expect(later)
    let tooSoon = Self.succeed(&throttle, at: 15.2)
    #expect(!tooSoon)
  }

  @Test(
    "Somebody who guesses at others from the same address stops nobody who is known there, nor do these stop others")
  func sharedAddress() {
    var throttle = throttle
    let before = [Self.succeed(&throttle), Self.succeed(&throttle, "bob")]
    #expect(before == [true, true])
    let own = (0..<10).map { _ in Self.fail(&throttle) }
    #expect(own.allSatisfy { $0 == nil })
    let waits = (0..<31).map { Self.fail(&throttle, "user\($0)") }
    #expect(waits.dropLast().allSatisfy { $0 == nil } && waits.last == 30)
    let tenWereWrong = Self.fail(&throttle)
    #expect(tenWereWrong == 90)
    let known = Self.succeed(&throttle, "bob")
    #expect(known)
  }

  @Test("Guessing from many addresses stops neither the address that a user knows, nor anybody for ever")
  func guessedAt() {
    var throttle = throttle
    let before = Self.succeed(&throttle, from: 7)
    #expect(before)
    var let_through = 0
    for address in 100..<400 where Self.fail(&throttle, from: address) == nil { let_through += 1 }
    #expect(let_through == 100)
    let known = Self.succeed(&throttle, from: 7)
    #expect(known)
    let fresh = Self.fail(&throttle, from: 8)
    #expect(fresh == 9)
    let later = Self.succeed(&throttle, from: 8, at: 9.1)
    #expect(later)
  }

  @Test("Tries that come at once all count, before anybody knows how they end")
  func atOnce() {
    var throttle = throttle
    var attempts: [LoginThrottle.Attempt] = []
    for _ in 0..<50 {
      if case .allowed(let attempt) = throttle.admit(username: "ann", address: nil, now: 0) { attempts.append(attempt) }
    }
    #expect(attempts.count == 10)
    for attempt in attempts { throttle.giveBack(attempt, now: 0) }
    #expect(throttle.count == 0)
  }

  @Test("However many names and addresses are tried, a bounded number is kept, the guilty ones first")
  func bounded() {
    var throttle = throttle
    throttle.capacity = 300
    for _ in 0..<10 { _ = Self.fail(&throttle, "ann", from: 1) }
    for index in 0..<5_000 { _ = Self.fail(&throttle, "user\(index)", from: index + 2) }
    #expect(throttle.count <= 300)
    let guilty = Self.fail(&throttle, "ann", from: 1)
    #expect(guilty != nil)
  }
}
