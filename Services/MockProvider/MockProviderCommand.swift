import ArgumentParser
import FoundationEssentials
import Glibc
import Logging

@main
struct MockProviderCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mock-provider",
    abstract: "A stand-in for SMS providers, for tests, demos and development.",
    discussion: """
      POST /hkt, /gateway/gateway.jsp and /NAME/gateway.jsp take HKT's form; POST /api/sms/NAME takes JSON.
      GET /stats and /arrivals show what came in; POST /behaviour and /reset change what happens.
      Its listings show numbers and texts, so it has no place in production.
      """)

  @Option(help: "The address to listen on.")
  var host = "127.0.0.1"

  @Option(help: "The port to listen on; 0 lets the kernel pick.")
  var port = 8071

  @Option(help: "Where to write the port once it listens.")
  var portFile: String?

  @Option(
    name: .customLong("provider"),
    help: ArgumentHelp(
      "A provider and its limit (may be repeated; rate 0 is no limit). Without any: hkt:2:1 and provider1 to 3 with 50:1.",
      valueName: "name[:rate[:window-s]]"))
  var providers: [ProviderArgument] = []

  @Option(help: "The status of an answer over the limit; 429 comes with Retry-After.")
  var violationStatus = 429

  @Option(help: "The latency of every answer, in milliseconds.")
  var latencyMs = 0.0

  @Flag(help: "Answers HKT's form with a line of text, as older gateways do, instead of <status> and <reason>.")
  var plainReplies = false

  @Option(help: "How many arrivals of each provider are kept for listing.")
  var keep = 1_000_000

  @Option(help: "Fixes the random draws.")
  var seed: UInt64?

  func validate() throws {
    guard (0...65_535).contains(port) else { throw ValidationError("--port must be from 0 to 65535") }
    guard (200...599).contains(violationStatus) else {
      throw ValidationError("--violation-status must be from 200 to 599")
    }
    guard (0...600_000).contains(latencyMs) else { throw ValidationError("--latency-ms must be from 0 to 600000") }
    guard keep > 0 else { throw ValidationError("--keep must be above 0") }
  }

  func run() throws {
    // Blocked before any thread starts, so that `sigwait` gets it.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGINT)
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    signal(SIGPIPE, SIG_IGN)

    let logger = Logger(label: "mock-provider") { StreamLogHandler.standardError(label: $0) }
    let server = try MockServer.start(buildMock(), host: host, port: port)
    print("mock-provider listening on \(host):\(server.port)")
    fflush(nil)
    if let portFile { try Data("\(server.port)\n".utf8).write(to: URL(filePath: portFile), options: .atomic) }
    logger.info("listening", metadata: ["http.port": "\(server.port)"])

    var received: Int32 = 0
    sigwait(&signals, &received)
    logger.info("stopping", metadata: ["signal": "\(received)"])
    try server.stop()
  }

  /// All providers with their behaviour at the start.
  func buildMock() -> Mock {
    let standard =
      [ProviderArgument(name: "hkt", rate: 2)] + (1...3).map { ProviderArgument(name: "provider\($0)", rate: 50) }
    let ledgers = (providers.isEmpty ? standard : providers).map { provider in
      var behaviour = Behaviour(rate: provider.rate, windowS: provider.windowS)
      behaviour.violationStatus = violationStatus
      behaviour.latencyMs = latencyMs
      behaviour.answersPlainly = plainReplies
      return ProviderLedger(name: provider.name, standard: behaviour, capacity: keep)
    }
    return Mock(ledgers, seed: seed ?? .random(in: .min ... .max))
  }
}
