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

  @Test("An address that tries one name after the other is stopped after thirty")
  func spraying() {
    var throttle = throttle
    let waits = (0..<31).map { Self.fail(&throttle, "user\($0)") }
    #expect(waits.dropLast().allSatisfy { $0 == nil })
    #expect(waits.last == 30)
  }

  @Test("A right password counts as nothing, however often it comes")
  func success() {
    var throttle = throttle
    for _ in 0..<9 { _ = Self.fail(&throttle) }
    let results = (0..<200).map { _ in Self.succeed(&throttle) }
    #expect(results.allSatisfy { $0 })
    // The tries that failed before are forgotten with it.
    let again = (0..<10).map { _ in Self.fail(&throttle) }
    #expect(again.allSatisfy { $0 == nil })
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
