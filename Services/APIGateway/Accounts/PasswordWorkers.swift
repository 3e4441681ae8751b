import BlockingIO
import NIOConcurrencyHelpers

/// Hashes passwords on threads of their own, a few at a time: neither requests nor the shared pool wait for it.
final class PasswordWorkers: Sendable {
  /// Too many wait already, or one waited too long.
  struct Busy: Error {}

  /// Waits for a turn at most so long; then `Busy`.
  let patience: Duration
  private let threads: [PasswordThread]
  private let capacity: Int
  /// How many each thread has to do.
  private let loads: NIOLockedValueBox<[Int]>

  /// - Parameter capacity: How many may wait for each thread, the one at work included.
  init(threads: Int = 2, capacity: Int = 16, patience: Duration = .seconds(3)) {
    self.threads = (0..<threads).map { PasswordThread(name: "scrypt-\($0)") }
    self.capacity = capacity
    self.patience = patience
    loads = NIOLockedValueBox(Array(repeating: 0, count: threads))
  }

  /// - Throws: `Busy`
  func hash(of password: String) async throws -> String {
    try await withThread { try await $0.hash(of: password, by: $1) }
  }

  /// Whether the password is the one of the hash; false for no hash, after the same work.
  /// - Throws: `Busy`
  func verify(_ password: String, _ hash: PasswordHash?) async throws -> Bool {
    try await withThread { try await $0.verify(password, hash, by: $1) }
  }

  private func withThread<Result: Sendable>(
    _ work: (PasswordThread, ContinuousClock.Instant) async throws -> Result
  ) async throws -> Result {
    let place = try loads.withLockedValue { loads in
      guard let place = loads.indices.min(by: { loads[$0] < loads[$1] }), loads[place] < capacity else { throw Busy() }
      loads[place] += 1
      return place
    }
    defer { loads.withLockedValue { $0[place] -= 1 } }
    return try await work(threads[place], .now + patience)
  }
}

/// One thread that does nothing else.
private actor PasswordThread {
  private let executor: ThreadExecutor
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(name: String) { executor = ThreadExecutor(name: name) }

  func hash(of password: String, by deadline: ContinuousClock.Instant) throws -> String {
    guard .now < deadline else { throw PasswordWorkers.Busy() }
    return try PasswordHash.make(of: password)
  }

  func verify(_ password: String, _ hash: PasswordHash?, by deadline: ContinuousClock.Instant) throws -> Bool {
    guard .now < deadline else { throw PasswordWorkers.Busy() }
    let isRight = try (hash ?? PasswordHash.dummy)?.matches(password) ?? false
    return isRight && hash != nil
  }
}
