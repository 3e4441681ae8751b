import Foundation
import Synchronization

// Read by the handler, which may interrupt any thread at any point: atomics only.
private let pipeEnd = Atomic<Int32>(-1)
private let trapped = Atomic<Int>(0)

/// Catches SIGTERM and SIGINT from the moment it is made, whatever thread the kernel chooses.
///
/// The handler belongs to the whole process and writes into a pipe, so it depends neither on which threads already run
/// nor on an event source being ready, and no signal is lost in between. The second signal ends the process at once, from
/// the handler itself, even if every thread hangs. At most one trap per process.
final class SignalTrap: Sendable {
  /// The read end of the pipe.
  private let descriptor: Int32
  private let signals: [Int32]

  init(_ signals: [Int32] = [SIGTERM, SIGINT]) {
    var ends: [Int32] = [-1, -1]
    let result = pipe(&ends)
    precondition(result == 0, "pipe failed: \(errno)")
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    descriptor = ends[0]
    self.signals = signals
    pipeEnd.store(ends[1], ordering: .releasing)
    trapped.store(0, ordering: .relaxed)
    // A peer that is gone is an error of one write, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    for number in signals {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = handleSignal
      action.sa_flags = SA_RESTART
      sigaction(number, &action, nil)
    }
  }

  /// Waits on a thread of its own for the first signal.
  ///
  /// The thread takes signals even if all others block them, as those of a process whose parent blocked them do; it
  /// stays, so that there is always one that does.
  func onFirst(_ handler: @escaping @Sendable (Int32) -> Void) {
    let (descriptor, signals) = (descriptor, signals)
    let thread = Thread {
      var mask = sigset_t()
      sigemptyset(&mask)
      for number in signals { sigaddset(&mask, number) }
      pthread_sigmask(SIG_UNBLOCK, &mask, nil)
      var number: UInt8 = 0
      while read(descriptor, &number, 1) < 0, errno == EINTR {}
      handler(Int32(number))
      while true { pause() }
    }
    thread.name = "signals"
    thread.start()
  }
}

/// Async-signal-safe: atomics, write(2), _exit(2).
private func handleSignal(_ number: Int32) {
  let saved = errno
  if trapped.add(1, ordering: .relaxed).oldValue > 0 { _exit(128 + number) }
  var byte = UInt8(truncatingIfNeeded: number)
  _ = write(pipeEnd.load(ordering: .acquiring), &byte, 1)
  errno = saved
}
