import BlockingIO
import Glibc
import NIOConcurrencyHelpers
import TestSupport
import Testing

/// An actor on a thread of its own, as the clients are.
private actor Worker {
  private let executor: ThreadExecutor
  nonisolated let waiter = PollWaiter()
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  private(set) var turns = 0

  init(name: String = "worker") { executor = ThreadExecutor(name: name, waiter: waiter) }

  func countTurns() { executor.onTurn { [weak self] in self?.assumeIsolated { $0.turns += 1 } } }
  func thread() -> pthread_t { pthread_self() }
  func block(_ duration: Duration) { usleep(UInt32(duration / .microseconds(1))) }
  func setDeadline(_ instant: ContinuousClock.Instant?) { waiter.setDeadline(instant) }
  func watch(_ descriptor: Int32) { waiter.watch(descriptor, for: .readable) }
  func unwatch() { waiter.unwatch() }
}

/// The names of this process's threads.
private func threadNames() throws -> [String] {
  guard let directory = opendir("/proc/self/task") else { throw NeverTrue(description: "no /proc") }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let id = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    guard let file = fopen("/proc/self/task/\(id)/comm", "r") else { continue }  // "." or a thread that has ended
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 32)
    guard fgets(&buffer, 32, file) != nil else { continue }
    names.append(String(decoding: buffer.prefix { $0 != 0 && $0 != 10 }.map(UInt8.init), as: UTF8.self))
  }
  return names
}

@Suite struct ThreadExecutorTests {
  @Test("All of an actor's jobs run on its own thread, and two actors have two")
  func threads() async {
    let (first, second) = (Worker(), Worker())
    let threads = await [first.thread(), first.thread(), second.thread()]
    #expect(threads[0] == threads[1] && threads[0] != threads[2])
  }

  @Test("Blocked threads hold up neither the pool nor each other")
  func blocking() async {
    let workers = (0..<8).map { _ in Worker() }
    let start = ContinuousClock.now
    await withTaskGroup(of: Void.self) { group in
      for worker in workers { group.addTask { await worker.block(.milliseconds(300)) } }
    }
    #expect(start.duration(to: .now) < .seconds(2))
  }

  @Test("The turn handler runs after a wake-up, at the deadline, and when the descriptor is ready")
  func turns() async throws {
    let worker = Worker()
    await worker.countTurns()
    var before = await worker.turns
    worker.waiter.wake()
    try await eventually("woken") { await worker.turns > before }

    let event = EventDescriptor()
    await worker.watch(event.fileDescriptor)
    before = await worker.turns
    event.signal()
    // Each look at the count is a turn itself; a readable descriptor makes many more.
    try await eventually("readable") { await worker.turns > before + 100 }
    event.drain()
    await worker.unwatch()
  }

  @Test("Without anything to do a thread sleeps until its deadline and not longer")
  func deadline() async throws {
    let turns = NIOLockedValueBox<[ContinuousClock.Instant]>([])
    let sleeper = Sleeper(waiter: PollWaiter())
    let deadline = ContinuousClock.now + .milliseconds(200)
    await sleeper.start(deadline: deadline) { turns.withLockedValue { $0.append(.now) } }
    try await eventually("a turn at the deadline") { turns.withLockedValue { $0.last ?? deadline } > deadline }
    // The job's turn, one for the signal that came with the job, and the deadline's.
    #expect(turns.withLockedValue { $0.count } <= 3)
  }

  @Test("The thread ends with its actor")
  func end() async throws {
    var worker: Worker? = Worker(name: "short-lived")
    _ = await worker?.thread()
    try await eventually("named") { try threadNames().contains("short-lived") }
    worker = nil
    try await eventually("gone") { try !threadNames().contains("short-lived") }
  }
}

private actor Sleeper {
  private let executor: ThreadExecutor
  private nonisolated let waiter: PollWaiter
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(waiter: PollWaiter) {
    self.waiter = waiter
    executor = ThreadExecutor(name: "sleeper", waiter: waiter)
  }

  func start(deadline: ContinuousClock.Instant, _ turn: @escaping @Sendable () -> Void) {
    waiter.setDeadline(deadline)
    let waiter = waiter
    executor.onTurn {
      turn()
      if ContinuousClock.now >= deadline { waiter.setDeadline(nil) }
    }
  }
}
