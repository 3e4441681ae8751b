import Foundation
import TestSupport
import Testing

@Suite("Password prompt")
struct PasswordPromptTests {
  @Test("A terminal shows what is typed again after a signal at the password")
  func echo() async throws {
    let terminal = try Terminal()
    #expect(terminal.isShowing)
    let login = try terminal.spawn(
      try BuiltProduct.url("sluice").path, ["login", "ann"], environment: ["SLUICE_URL": "http://127.0.0.1:1"])
    defer { kill(login, SIGKILL) }
    try await eventually("the password is asked for") { !terminal.isShowing }
    kill(login, SIGINT)
    var status: Int32 = 0
    try await eventually("the command ends") { waitpid(login, &status, WNOHANG) == login }
    #expect(status & 0x7f == SIGINT)
    #expect(terminal.isShowing)
  }
}

/// A terminal of a test's own.
private final class Terminal {
  private let master: Int32
  /// Held open: the terminal is gone with its last user.
  private let slave: Int32
  private let path: String

  init() throws {
    var (master, slave) = (Int32(-1), Int32(-1))
    guard openpty(&master, &slave, nil, nil, nil) == 0, let name = ttyname(slave) else {
      throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
    }
    for descriptor in [master, slave] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    (self.master, self.slave) = (master, slave)
    path = String(cString: name)
  }

  deinit {
    close(master)
    close(slave)
  }

  /// Whether it shows what is typed.
  var isShowing: Bool {
    var state = termios()
    tcgetattr(master, &state)
    return state.c_lflag & tcflag_t(ECHO) != 0
  }

  /// Starts a program with it as standard input.
  func spawn(_ program: String, _ arguments: [String], environment: [String: String]) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, path, O_RDONLY | O_NOCTTY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var argv = ([program] + arguments).map { strdup($0) } + [nil]
    var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in argv + envp { free(text) } }
    var pid: pid_t = 0
    let code = posix_spawn(&pid, program, &actions, &attributes, &argv, &envp)
    guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
    return pid
  }
}
