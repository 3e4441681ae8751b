import AMQP
import ArgumentParser
import Contracts
import Logging
import Postgres
import ServiceKit

/// Carries out one request from the command line, with nobody else needed than the database: the request is recorded as
/// the service does it, ordered from here when the broker is there, and waited for.
enum RequestConsole {
  /// For the scheduler's answer.
  private static let patience = Duration.seconds(10)

  /// - Throws: `ExitCode` after a line on standard error when nothing was done.
  static func run(_ command: LetterCommand, dryRun: Bool = false) async throws {
    try await ArchiveAccess.with { archive in
      if dryRun, let choice = command.choice {
        let (letters, segments) = try await choice.count(archive.pool)
        return print("\(letters) letters, \(segments) segments; nothing was changed")
      }
      if let problem = try await MendedBody.problem(command, archive) {
        StandardErrorSink().write("dead-letter: --body: \(problem)")
        throw ExitCode.failure
      }
      let amqp = try brokerConfiguration()
      let requests = LetterRequests(pool: archive.pool)
      var request = try await requests.carryOut(command, EnvelopeHeader(type: command.type))
      if !request.isEnded, let amqp {
        if await !relay(archive.pool, amqp) {
          StandardErrorSink().write("dead-letter: the broker is away; the service will go on with it")
        }
        request = try await wait(for: request, requests)
      } else if !request.isEnded {
        StandardErrorSink().write("dead-letter: SLUICE_AMQP_URL is not set; the service will go on with it")
      }
      let report = RequestReport(
        request, results: try await archive.results(of: request.id), replay: try await archive.replay(of: request))
      if let refusal = report.refusal {
        StandardErrorSink().write("dead-letter: \(refusal)")
        throw ExitCode.failure
      }
      print(report.text)
    }
  }

  private static func brokerConfiguration() throws -> AMQPConfiguration? {
    let settings = Settings()
    guard settings.string("SLUICE_AMQP_URL") != nil else { return nil }
    let amqp = settings.required("SLUICE_AMQP_URL") { try AMQPConfiguration(url: $0) }
    try settings.check()
    return amqp?.named("dead-letter console")
  }

  /// Publishes what waits to be published.
  /// - Returns: Whether the broker took it.
  private static func relay(_ pool: PostgresPool, _ amqp: AMQPConfiguration) async -> Bool {
    let logger = Logger(label: "dead-letter") { TextLogHandler(label: $0, logLevel: .critical) }
    let publisher = AMQPPublisher(configuration: amqp, logger: logger)
    let relay = OrderRelay(pool: pool, publisher: publisher, bell: Bell(), logger: logger)
    return await withTaskGroup(of: Bool.self) { group in
      group.addTask {
        // Ends when it is cancelled below.
        try? await publisher.run()
        return false
      }
      group.addTask {
        do {
          try await relay.relayAll()
          return true
        } catch {
          return false
        }
      }
      let isDone = await group.next() ?? false
      group.cancelAll()
      return isDone
    }
  }

  private static func wait(for request: StoredRequest, _ requests: LetterRequests) async throws -> StoredRequest {
    let deadline = ContinuousClock.now + patience
    var request = request
    while !request.isAnswered, ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(100))
      request = try await requests.load(request.id) ?? request
    }
    return request
  }
}

extension LetterCommand {
  /// What it would apply to; `nil` for what is not about a choice of letters.
  var choice: LetterChoice? {
    switch self {
    case .replay(let command): LetterChoice(command.selection, unitState: command.selection.replayedState)
    case .abandon(let command): LetterChoice(command.selection, unitState: .dead)
    case .settle(let command): LetterChoice(command.selection, unitState: .unconfirmed)
    case .cancel, .return, .drop: nil
    }
  }
}
