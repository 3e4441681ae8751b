import Foundation
import NIOConcurrencyHelpers

/// A RabbitMQ node of the test's own, on loopback, in a folder for temporary files.
///
/// It ends with the test process at the latest, however that ends.
public final class RabbitMQNode: Sendable {
  public let directory: URL
  /// The user is an administrator; the virtual host is `/`.
  public let amqpURL: String
  /// Without user and password.
  public let managementURL: String
  public let management: JSONClient
  private let guardian: Process
  private let placement: Placement?

  /// Where a node of a cluster lives.
  struct Placement: Sendable {
    /// An address of this machine, by which the node is called.
    var address: String
    /// The same for all nodes of a cluster: they find each other without epmd.
    var port: Int
    var cookie: String

    var nodeName: String { "sluice@\(address)" }
    var environment: [String: String] {
      [
        "SLUICE_RABBITMQ_ADDRESS": address, "SLUICE_RABBITMQ_DIST_PORT": "\(port)", "SLUICE_RABBITMQ_COOKIE": cookie,
      ]
    }
  }

  private static let sharedNode = NIOLockedValueBox<Task<RabbitMQNode, any Error>?>(nil)

  /// The node that all tests of the process share; for what does not disturb others. Use queues of your own.
  public static func shared() async throws -> RabbitMQNode {
    let task = sharedNode.withLockedValue { task in
      let started = task ?? Task { try await RabbitMQNode.start() }
      task = started
      return started
    }
    return try await task.value
  }

  /// Starts a node, to be stopped by `stop()`.
  public static func start() async throws -> RabbitMQNode { try await start(at: nil) }

  static func start(at placement: Placement?) async throws -> RabbitMQNode {
    let directory = FileManager.default.temporaryDirectory.appending(path: "sluice-rabbitmq-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let guardian = try guardian(of: directory)
    try await script("start", directory, at: placement)
    let values = try env(directory)
    guard let amqpURL = values["AMQP_URL"], let management = values["MANAGEMENT_URL"].flatMap(URL.init),
      let port = management.port
    else { throw StackError("\(directory.path)/env lacks AMQP_URL or MANAGEMENT_URL") }
    let credentials = Data("\(management.user() ?? ""):\(management.password() ?? "")".utf8).base64EncodedString()
    return RabbitMQNode(
      directory: directory, amqpURL: amqpURL, managementURL: "http://\(management.host() ?? "127.0.0.1"):\(port)",
      authorization: "Basic \(credentials)", guardian: guardian, placement: placement)
  }

  private init(
    directory: URL, amqpURL: String, managementURL: String, authorization: String, guardian: Process,
    placement: Placement?
  ) {
    self.placement = placement
    self.directory = directory
    self.amqpURL = amqpURL
    self.managementURL = managementURL
    management = JSONClient(base: managementURL, headers: [("Authorization", authorization)])
    self.guardian = guardian
  }

  /// The pid of the Erlang VM.
  public var processID: ProcessID {
    get throws {
      guard let pid = try Self.env(directory)["PID"].flatMap(pid_t.init) else {
        throw StackError("\(directory.path)/env lacks PID")
      }
      return ProcessID(pid)
    }
  }

  /// `kill -9`, and waits until it is gone. Ports and data stay.
  public func kill() async throws {
    let process = try processID
    process.send(SIGKILL)
    try await process.ends()
  }

  /// Brings a stopped or killed node back, with the same ports and data.
  public func restart() async throws { try await Self.script("start", directory, at: placement) }

  /// Ends the node and deletes its data.
  public func stop() async throws {
    try await Self.script("stop", directory, at: placement)
    guardian.terminate()
    try FileManager.default.removeItem(at: directory)
  }

  /// Makes sure that the quorum queues that exist now survive `kill()`.
  ///
  /// RabbitMQ writes the registration of a new one to disk up to three seconds later; a broker that is killed before then
  /// comes back with a queue that lives no more.
  public func syncQueues() async throws { try await ctl("eval", "ok = dets:sync(ra_directory_reverse).") }

  /// Runs `rabbitmqctl` with these arguments.
  @discardableResult
  public func ctl(_ arguments: String...) async throws -> String {
    try await Self.script("ctl", directory, arguments, at: placement)
  }

  @discardableResult
  private static func script(
    _ action: String, _ directory: URL, _ arguments: [String] = [], at placement: Placement?
  ) async throws -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let command = Command(
      path: root.appending(path: "deploy/local/rabbitmq").path, arguments: [action, directory.path] + arguments,
      environment: ProcessInfo.processInfo.environment.merging(placement?.environment ?? [:]) { $1 })
    let (code, output) = try await command.run(within: .seconds(120))
    guard code == 0 else { throw StackError("rabbitmq \(action) failed:\n\(output)") }
    return output
  }

  private static func env(_ directory: URL) throws -> [String: String] {
    let text = try String(contentsOf: directory.appending(path: "env"), encoding: .utf8)
    return Dictionary(
      text.split(separator: "\n").compactMap { line in
        line.firstIndex(of: "=").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
      }, uniquingKeysWith: { $1 })
  }

  /// A shell that waits for this process to end, by the pipe that then closes, and ends the node.
  private static func guardian(of directory: URL) throws -> Process {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/bash")
    process.arguments = [
      "-c", #"trap "" INT; read -r _; kill -9 "$(cat "$0/pid")"; sleep 0.2; rm -rf "$0""#, directory.path,
    ]
    process.standardInput = Pipe()
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }
}
