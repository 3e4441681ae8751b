import Foundation

/// An HTTPS server for `127.0.0.1` that answers each POST with the length of its body, with a certificate of its own.
public final class TLSServer: Sendable {
  public let port: Int
  /// The certificate, to be trusted as an authority.
  public let authoritiesFile: String
  private let directory: URL
  private let process: Process

  /// Starts it and waits until it listens; it ends with the object.
  public init() async throws {
    directory = FileManager.default.temporaryDirectory.appending(path: "sluice-tls-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let (certificate, key) = (directory.appending(path: "certificate.pem"), directory.appending(path: "key.pem"))
    authoritiesFile = certificate.path
    let made = try await Command(
      path: "/usr/bin/openssl",
      arguments: [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
        "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key.path, "-out", certificate.path,
      ], environment: ["PATH": "/usr/bin:/bin"]
    ).run(within: .seconds(20))
    guard made.code == 0 else { throw StackError("no certificate could be made:\n\(made.output)") }
    port = try RawServer.unusedPort()
    process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", Self.script, "\(port)", certificate.path, key.path]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    let port = port
    try await eventually(within: .seconds(20), "the server listens") { Tinyproxy.listens(port) }
  }

  deinit {
    process.terminate()
    // In the folder for temporary files.
    try? FileManager.default.removeItem(at: directory)
  }

  public var url: String { "https://127.0.0.1:\(port)/" }

  private static let script = """
    import http.server, ssl, sys
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen = str(len(body)) + " " + str(self.headers.get("Proxy-Authorization"))
            self.send_response(200)
            self.send_header("Content-Length", str(len(seen)))
            self.end_headers()
            self.wfile.write(seen.encode())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
    """
}
