import CLinux
import Glibc
import NIOConcurrencyHelpers

/// A serial executor with a thread of its own, for an actor that calls blocking C functions.
///
/// Jobs run in order of arrival. With none to run the thread sleeps in its `ThreadWaiter`. After each sleep and each
/// batch of jobs it calls the turn handler, in which the actor looks at its socket. The thread ends when the executor is
/// released.
///
/// ```swift
/// actor Connection {
///   private let executor = ThreadExecutor(name: "pg-1")
///   nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
/// }
/// ```
public final class ThreadExecutor: SerialExecutor {
  private let core: Core

  /// Starts the thread.
  /// - Parameters:
  ///   - name: Shown by `ps -L` and debuggers; cut to 15 bytes, the kernel's limit.
  ///   - waiter: How the thread sleeps between jobs.
  public init(name: String, waiter: any ThreadWaiter = PollWaiter()) {
    core = Core(waiter: waiter)
    core.start(name: name)
  }

  deinit { core.stop() }

  public func enqueue(_ job: consuming ExecutorJob) {
    core.enqueue(UnownedJob(job), on: asUnownedSerialExecutor())
  }

  public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

  public func checkIsolated() {
    precondition(core.isCurrentThread, "not on the executor's thread")
  }

  public func isIsolatingCurrentContext() -> Bool? { core.isCurrentThread }

  /// Sets what runs after each sleep and each batch of jobs, on the executor's thread. Call it on that thread (from the actor's isolated
  /// code); the handler may use `assumeIsolated`. It must not keep the actor alive.
  public func onTurn(_ handler: (@Sendable () -> Void)?) {
    checkIsolated()
    core.turn = handler
  }
}

/// The part that the thread keeps alive: it outlives the executor by its last loop.
private final class Core: @unchecked Sendable {
  // Unchecked: `turn` is touched only on the thread (checked by `onTurn`); all else is locked or constant.
  private struct State {
    var jobs: [(UnownedJob, UnownedSerialExecutor)] = []
    var thread: pthread_t?
    var isStopped = false
  }

  private let state = NIOLockedValueBox(State())
  private let waiter: any ThreadWaiter
  var turn: (@Sendable () -> Void)?

  init(waiter: any ThreadWaiter) { self.waiter = waiter }

  var isCurrentThread: Bool {
    guard let thread = state.withLockedValue({ $0.thread }) else { return false }
    return pthread_equal(thread, pthread_self()) != 0
  }

  func start(name: String) {
    let box = Unmanaged.passRetained(StartBox(core: self, name: String(name.utf8.prefix(15)) ?? "executor"))
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        let start = Unmanaged<StartBox>.fromOpaque(argument).takeRetainedValue()
        sluice_name_thread(start.name)
        start.core.run()
        return nil
      }, box.toOpaque())
    precondition(code == 0, "pthread_create failed: \(code)")
    pthread_detach(thread)
  }

  func enqueue(_ job: UnownedJob, on executor: UnownedSerialExecutor) {
    state.withLockedValue { $0.jobs.append((job, executor)) }
    if !isCurrentThread { waiter.wake() }
  }

  func stop() {
    state.withLockedValue { $0.isStopped = true }
    waiter.wake()
  }

  fileprivate func run() {
    state.withLockedValue { $0.thread = pthread_self() }
    while true {
      let (jobs, isStopped) = state.withLockedValue { state in
        defer { state.jobs.removeAll() }
        return (state.jobs, state.isStopped)
      }
      for (job, executor) in jobs { job.runSynchronously(on: executor) }
      if jobs.isEmpty {
        if isStopped { return }
        waiter.wait()
      }
      turn?()
    }
  }
}

private final class StartBox {
  let core: Core
  let name: String
  init(core: Core, name: String) {
    self.core = core
    self.name = name
  }
}
