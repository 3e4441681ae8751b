import Foundation

/// Debian's tinyproxy on loopback, in a folder for temporary files: CONNECT and plain forwarding.
public final class Tinyproxy: Sendable {
  public let port: Int
  private let directory: URL
  private let process: Process

  /// Starts a proxy and waits until it listens; it ends with the object.
  /// - Parameters:
  ///   - credentials: `user password`, asked for by Basic authentication; none when `nil`.
  ///   - connectPorts: To which ports CONNECT is allowed; to all when empty.
  public init(credentials: String? = nil, connectPorts: [Int] = []) async throws {
    port = try RawServer.unusedPort()
    directory = FileManager.default.temporaryDirectory.appending(path: "sluice-tinyproxy-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    var lines = [
      "Port \(port)", "Listen 127.0.0.1", "Allow 127.0.0.1", "Timeout 20", "MaxClients 50", "LogLevel Connect",
      "LogFile \"\(directory.path)/log\"",
    ]
    if let credentials { lines.append("BasicAuth \(credentials)") }
    lines += connectPorts.map { "ConnectPort \($0)" }
    let file = directory.appending(path: "tinyproxy.conf")
    try (lines.joined(separator: "\n") + "\n").write(to: file, atomically: true, encoding: .utf8)
    process = Process()
    process.executableURL = URL(filePath: "/usr/bin/tinyproxy")
    process.arguments = ["-d", "-c", file.path]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    let port = port
    try await eventually(within: .seconds(10), "tinyproxy listens") { Self.listens(port) }
  }

  deinit {
    process.terminate()
    // In the folder for temporary files.
    try? FileManager.default.removeItem(at: directory)
  }

  /// `http://127.0.0.1:PORT`, with credentials if given.
  public func url(user: String? = nil) -> String { "http://\(user.map { "\($0)@" } ?? "")127.0.0.1:\(port)" }

  /// What it has noted of each connection.
  public var log: String {
    // A log that is not there yet has no lines.
    (try? String(contentsOf: directory.appending(path: "log"), encoding: .utf8)) ?? ""
  }

  static func listens(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = RawServer.loopback(port: port)
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
