import Foundation
import NIOConcurrencyHelpers
import Postgres

/// All of Sluice on this machine, in a temporary folder: RabbitMQ, PostgreSQL, the mock provider and the five services
/// as processes, started by `deploy/local/up`. Use `withStack`, which also takes it down.
///
/// The executables are those of `SLUICE_BUILD_DIR`, else of the debug build.
public final class Stack: Sendable {
  /// Data, logs, pids and `env`.
  public let home: URL
  private let options: StackOptions
  private let values = NIOLockedValueBox<[String: String]>([:])
  private let replicas = NIOLockedValueBox<[ProcessID]>([])
  let pool = NIOLockedValueBox<PostgresPool?>(nil)

  /// The repository's folder.
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  init(_ options: StackOptions) throws {
    self.options = options
    home = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString.prefix(8).lowercased())")
    try FileManager.default.createDirectory(at: failpoints, withIntermediateDirectories: true)
    if let providers = options.providers {
      try providers.write(to: home.appending(path: "providers.yaml"), atomically: true, encoding: .utf8)
    }
  }

  /// Starts whatever does not run, and waits until everything is ready. What runs is left alone.
  public func up(arguments: [String] = []) async throws {
    let providers = home.appending(path: "providers.yaml").path
    let file = FileManager.default.fileExists(atPath: providers) ? ["--providers", providers] : []
    let (code, output) = try await script("up", ["--no-demo"] + file + arguments, within: .seconds(180))
    guard code == 0 else { throw StackError("up failed with \(code):\n\(output)") }
    let lines = try String(contentsOf: home.appending(path: "env"), encoding: .utf8).split(separator: "\n")
    let pairs = lines.compactMap { line in
      line.firstIndex(of: "=").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
    }
    values.withLockedValue { $0 = Dictionary(pairs) { _, last in last } }
  }

  /// Stops everything as an operator would. The data stay.
  public func down() async throws {
    await closePool()
    let (code, output) = try await script("down", [], within: .seconds(120))
    guard code == 0 else { throw StackError("down failed with \(code):\n\(output)") }
  }

  private func closePool() async {
    let open = pool.withLockedValue { pool in
      defer { pool = nil }
      return pool
    }
    await open?.close()
  }

  /// Stops what `up` started, kills the replicas, and leaves the folder.
  func keep() async throws {
    for replica in replicas.withLockedValue({ $0 }) { replica.send(SIGKILL) }
    try await down()
  }

  /// Kills every process at once and removes the folder.
  public func discard() async throws {
    await closePool()
    let all = StackProcess.allCases.compactMap { try? pid(of: $0) }  // what does not run needs no killing
    let processes = all + replicas.withLockedValue { $0 }
    for process in processes { process.send(SIGKILL) }
    for process in processes { try await process.ends(within: .seconds(10)) }
    // What a dying server still writes may make the first try fail.
    let deadline = ContinuousClock.now + .seconds(10)
    while FileManager.default.fileExists(atPath: home.path) {
      do {
        try FileManager.default.removeItem(at: home)
      } catch  where ContinuousClock.now < deadline {
        try await Task.sleep(for: .milliseconds(50))
      }
    }
  }

  // MARK: addresses

  public var url: String { value("SLUICE_URL") }
  /// The admin's.
  public var token: String { value("SLUICE_TOKEN") }
  public var adminUser: String { value("SLUICE_ADMIN_USER") }
  public var adminPassword: String { value("SLUICE_ADMIN_PASSWORD") }
  public var mockURL: String { value("SLUICE_MOCK_URL") }
  /// As the broker's administrator, vhost `sluice`.
  public var amqpURL: String { value("SLUICE_AMQP_URL") }
  /// RabbitMQ's management API, as its administrator.
  public var managementURL: String { value("SLUICE_MANAGEMENT_URL") }
  /// As the superuser, database `sluice`.
  public var databaseURL: String { value("SLUICE_DATABASE_URL") }

  /// The gateway, with the admin's token.
  public var gateway: JSONClient { JSONClient(base: url).with(token: token) }
  public var mock: MockClient { MockClient(base: mockURL) }

  /// A service's own port with `/health/ready` and `/metrics`.
  public func internalURL(of service: StackProcess) throws -> String {
    let environment = try pid(of: service).environment()
    return "http://127.0.0.1:\(environment["SLUICE_INTERNAL_PORT"] ?? "0")"
  }

  private func value(_ name: String) -> String { values.withLockedValue { $0[name] ?? "" } }

  // MARK: processes

  public func pid(of process: StackProcess) throws -> ProcessID {
    let file = home.appending(path: "run/\(process.rawValue).pid")
    let text = try String(contentsOf: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
    guard let number = pid_t(text) else { throw StackError("\(file.path) holds no pid") }
    return ProcessID(number)
  }

  /// Sends a signal. After SIGKILL and SIGTERM it waits until the process has ended.
  public func kill(_ process: StackProcess, _ signal: Int32 = SIGKILL) async throws {
    let target = try pid(of: process)
    target.send(signal)
    if signal == SIGKILL || signal == SIGTERM { try await target.ends() }
  }

  /// How an instance of a service was started.
  public struct Launch: Sendable {
    var executable: String
    var environment: [String: String]
  }

  /// How the instance that `up` started runs; to start another like it when it is gone.
  public func launch(of service: StackProcess) throws -> Launch { try launch(of: pid(of: service)) }

  private func launch(of process: ProcessID) throws -> Launch {
    Launch(executable: try process.executable(), environment: try process.environment())
  }

  /// Starts one more instance of a running service; it ends with the stack, or before by its pid.
  ///
  /// - Parameter other: The process whose settings it gets; the service that `up` started when there is none.
  /// A gateway's replica listens on the port given as `environment["SLUICE_HTTP_PORT"]`.
  public func startReplica(
    of service: StackProcess, instance: String, like other: ProcessID? = nil, environment: [String: String] = [:]
  ) async throws -> ProcessID {
    try await startReplica(
      of: service, instance: instance, launch: launch(of: other ?? pid(of: service)), environment: environment)
  }

  /// Starts an instance of a service, whether one runs or not; it ends with the stack, or before by its pid.
  public func startReplica(
    of service: StackProcess, instance: String, launch: Launch, environment: [String: String] = [:]
  ) async throws -> ProcessID {
    var settings = launch.environment
    settings["SLUICE_INSTANCE"] = instance
    settings["SLUICE_INTERNAL_PORT"] = "0"
    settings.merge(environment) { _, last in last }
    let log = home.appending(path: "log/\(service.rawValue).\(instance).log").path
    // A shell stays beside the service and writes down how it ended.
    let start = #"""
      rm -f "$2.pid" "$2.exit"
      setsid sh -c '"$0" </dev/null >>"$1" 2>&1 & echo $! >"$1.new"; mv "$1.new" "$1.pid"; wait $!; echo $? >"$1.exit"' \
        "$1" "$2" </dev/null >/dev/null 2>&1 &
      while [ ! -e "$2.pid" ]; do sleep 0.01; done
      cat "$2.pid"
      """#
    let command = Command(
      path: "/bin/sh", arguments: ["-c", start, "sh", launch.executable, log], environment: settings)
    let (_, output) = try await command.run(within: .seconds(10))
    guard let number = pid_t(output.trimmingCharacters(in: .whitespacesAndNewlines)) else {
      throw StackError("\(service.rawValue) could not be started: \(output)")
    }
    replicas.withLockedValue { $0.append(ProcessID(number)) }
    return ProcessID(number)
  }

  /// Asks a replica to stop (SIGTERM).
  /// - Returns: Its exit code; 128 and the signal's number when it was killed.
  public func stop(
    _ replica: ProcessID, of service: StackProcess, instance: String, within limit: Duration = .seconds(45)
  ) async throws -> Int32 {
    replica.send(SIGTERM)
    try await replica.ends(within: limit)
    let file = home.appending(path: "log/\(service.rawValue).\(instance).log.exit")
    var code: Int32?
    try await eventually(within: .seconds(5), "\(service.rawValue) \(instance) has an exit code") {
      code = (try? String(contentsOf: file, encoding: .utf8)).flatMap { Int32($0.filter(\.isNumber)) }
      return code != nil
    }
    return code ?? -1
  }

  /// What a replica has logged.
  public func log(of service: StackProcess, instance: String? = nil) throws -> String {
    let name = instance.map { "\(service.rawValue).\($0)" } ?? service.rawValue
    return try String(contentsOf: home.appending(path: "log/\(name).log"), encoding: .utf8)
  }

  /// Runs a command of a running service's executable, with that service's settings, to its end.
  public func run(
    _ service: StackProcess, _ arguments: [String], within limit: Duration
  ) async throws -> (code: Int32, output: String) {
    let process = try pid(of: service)
    return try await Command(
      path: try process.executable(), arguments: arguments, environment: try process.environment()
    ).run(within: limit)
  }

  /// The last lines of every log, for a failed test.
  public func logs(lines: Int = 15) -> String {
    StackProcess.allCases.map { process in
      let file = home.appending(path: "log/\(process.rawValue).log")
      // A log that is not there yet has no lines.
      let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
      let tail = text.split(separator: "\n").suffix(lines).map { "  " + $0.prefix(400) }
      return "\(process.rawValue):\n" + tail.joined(separator: "\n")
    }.joined(separator: "\n")
  }

  private func script(
    _ name: String, _ arguments: [String], within limit: Duration
  ) async throws -> (code: Int32, output: String) {
    var environment = ProcessInfo.processInfo.environment
    for name in ["SMS_BASE_URL", "SMS_APPLICATION_ID", "SMS_SENDER_NUMBER"] { environment[name] = nil }
    environment["SLUICE_BUILD_DIR"] = environment["SLUICE_BUILD_DIR"] ?? Self.root.appending(path: ".build/debug").path
    // Stories ask as often as they need; how often one may ask is tested by itself.
    for name in ["SLUICE_API_RATE", "SLUICE_API_USER_RATE"] { environment[name] = "1000000" }
    environment.merge(options.environment) { _, last in last }
    environment["SLUICE_HOME"] = home.path
    environment["SLUICE_FAILPOINTS"] = failpoints.path
    let path = Self.root.appending(path: "deploy/local/\(name)").path
    return try await Command(path: path, arguments: arguments, environment: environment).run(within: limit)
  }
}
