import Foundation
import Glibc

/// A program that is run to its end, with a limit.
///
/// Foundation's `Process` is not used: it takes a program for running as long as any server that the program started holds
/// the descriptors it inherited. Here a child inherits only its three standard ones.
public struct Command: Sendable {
  var path: String
  var arguments: [String]
  var environment: [String: String]

  /// - Parameter environment: All of it: nothing is inherited.
  public init(path: String, arguments: [String] = [], environment: [String: String] = [:]) {
    self.path = path
    self.arguments = arguments
    self.environment = environment
  }

  /// The exit code and everything the program wrote. Throws when it did not end in time; then it has been killed.
  public func run(within limit: Duration) async throws -> (code: Int32, output: String) {
    let output = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString).out")
    defer { try? FileManager.default.removeItem(at: output) }  // in the folder for temporary files
    let pid = try spawn(writingTo: output.path)
    let deadline = ContinuousClock.now + limit
    var status: Int32 = 0
    while waitpid(pid, &status, WNOHANG) == 0 {
      if ContinuousClock.now > deadline {
        kill(pid, SIGKILL)
        waitpid(pid, &status, 0)
        break
      }
      if Task.isCancelled { kill(pid, SIGKILL) }
      try? await Task.sleep(for: .milliseconds(10))  // a cancelled test waits no longer: the program is killed above
    }
    let text = String(decoding: try Data(contentsOf: output), as: UTF8.self)
    guard status & 0x7f == 0 else { throw StackError("\(path) was killed, or did not end within \(limit):\n\(text)") }
    return ((status >> 8) & 0xff, text)
  }

  private func spawn(writingTo output: String) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    for name in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
      if let descriptor = Int32(name), descriptor > 2 { posix_spawn_file_actions_addclose(&actions, descriptor) }
    }
    // This thread may have signals blocked that must reach the program and all it starts.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var argv = ([path] + arguments).map { strdup($0) } + [nil]
    var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in argv + envp { free(text) } }
    var pid: pid_t = 0
    let code = posix_spawn(&pid, path, &actions, &attributes, &argv, &envp)
    guard code == 0 else { throw StackError("cannot run \(path): \(String(cString: strerror(code)))") }
    return pid
  }
}
