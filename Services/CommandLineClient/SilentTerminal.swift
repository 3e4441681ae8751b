import Foundation

/// A terminal on standard input that does not show what is typed, and shows it again however the command ends.
struct SilentTerminal {
  /// As it was, for the signal handler, which can capture nothing. Written once, by the only thread that asks for a password and
  /// before the handler is installed.
  nonisolated(unsafe) private static var before = termios()

  private static let signals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

  /// What was done at these signals.
  private let actions: [(signal: Int32, action: sigaction)]

  static func begin() -> SilentTerminal {
    tcgetattr(STDIN_FILENO, &before)
    let actions = signals.map { signal in
      // Only what may be called in a signal handler; the signal itself does its usual work when the handler is left.
      var ours = sigaction()
      ours.__sigaction_handler.sa_handler = { signal in
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &SilentTerminal.before)
        Glibc.signal(signal, SIG_DFL)
        raise(signal)
      }
      var previous = sigaction()
      sigaction(signal, &ours, &previous)
      return (signal, previous)
    }
    var silent = before
    silent.c_lflag &= ~tcflag_t(ECHO)
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
    return SilentTerminal(actions: actions)
  }

  func end() {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &Self.before)
    for (signal, action) in actions {
      var action = action
      sigaction(signal, &action, nil)
    }
  }
}
