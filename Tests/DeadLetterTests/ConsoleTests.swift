import AMQP
import Contracts
import Foundation
import Testing
import TestSupport

@testable import DeadLetter

@Suite("The command line of dead-letter", .serialized, .timeLimit(.minutes(3)))
struct ConsoleTests {
  private struct Run {
    var status: Int32
    var output: String
    var errors: String
  }

  /// Runs the executable beside the tests, with no service running.
  private func run(
    _ service: DeadLetterService, _ arguments: [String], broker: String? = "", input: String? = nil
  ) async throws -> Run {
    let process = Process()
    process.executableURL = try BuiltProduct.url("dead-letter")
    process.arguments = arguments
    var environment = DeadLetterService.environment(service.virtualHost, databaseURL: service.databaseURL)
    if broker != "" { environment["SLUICE_AMQP_URL"] = broker }
    process.environment = environment
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    let file = FileManager.default.temporaryDirectory.appending(path: "body-\(UUID())")
    if let input {
      try Data(input.utf8).write(to: file)
      process.arguments = arguments + ["--body", file.path]
    }
    // A file among the temporary ones may stay.
    defer { if input != nil { try? FileManager.default.removeItem(at: file) } }
    try process.run()
    try await eventually(within: .seconds(20), "the command ends") { !process.isRunning }
    func text(_ pipe: Pipe) throws -> String {
      String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    }
    return Run(status: process.terminationStatus, output: try text(output), errors: try text(errors))
  }

  /// Letters in the database of a service that does not run, and a scheduler that answers every order.
  private func withScheduler(
    _ letters: [UnitsDead.Entry], reason: String? = nil, _ body: (DeadLetterService) async throws -> Void
  ) async throws {
    try await DeadLetterService.with(replicas: 0) { service in
      try await service.migrate()
      _ = try await LetterStore(pool: service.pool).open(letters.map(NewLetter.init))
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await answer(service, reason) }
        try await body(service)
        group.cancelAll()
      }
    }
  }

  private func answer(_ service: DeadLetterService, _ reason: String?) async throws {
    var answered: Set<EnvelopeID> = []
    while !Task.isCancelled {
      let orders = service.facts.withLockedValue { $0 }.filter { $0.queue == BrokerNames.schedulerCommands }
      for order in orders {
        let header = try Wire.header(of: order.body)
        guard answered.insert(header.id).inserted else { continue }
        let answer = CommandAnswered(
          commandID: header.id, command: header.type, result: reason == nil ? .done : .refused, reason: reason)
        _ = try await LetterRequests(pool: service.pool).take(answer)
      }
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  private func id(_ entry: UnitsDead.Entry) -> String {
    LetterIDs.letter(entry.unit, dispatch: entry.dispatch).description
  }

  @Test("replays by filter: shows it first, does it once, and says that it runs")
  func replays() async throws {
    let letters = [Samples.dead(), Samples.dead(), Samples.dead(errorType: "throttled")]
    try await withScheduler(letters) { service in
      let filter = ["--error-type", "timeout", "--provider", "hkt", "--user", "\(Samples.user)", "--limit", "10"]
      let dry = try await run(service, ["replay", "--dry-run"] + filter)
      #expect(dry.status == 0 && dry.output == "2 letters, 2 segments; nothing was changed\n")
      let unsure = try await run(service, ["replay"] + filter)
      #expect(unsure.status == 64 && unsure.errors.contains("--yes"))
      let first = try await run(service, ["replay", "--yes", "--reason", "it is back"] + filter)
      #expect(first.status == 0)
      #expect(first.output.hasPrefix("replay ") && first.output.hasSuffix(": 2 letters, 2 segments\n"))
      let replay = try #require(first.output.split(separator: " ").dropFirst().first?.dropLast())
      let second = try await run(service, ["replay", "--yes"] + filter)
      #expect(second.status == 0 && second.output == "an equal replay runs already: \(replay)\n")
      let row = try #require(
        try await service.pool.query("SELECT actor, reason FROM dead_letter.requests_read").first)
      #expect(try row.decode("actor") == NSUserName() && row.decode("reason") == "it is back")
      let cancel = try await run(service, ["cancel", String(replay)])
      #expect(cancel.status == 0 && cancel.output == "0 letters taken back, 0 SMS go nevertheless\n")
    }
  }

  @Test("says why nothing was done, and exits with 1")
  func refusals() async throws {
    let letters = [Samples.dead(), Samples.dead(state: .unconfirmed)]
    try await withScheduler(letters, reason: "wrong_state") { service in
      let state = try await run(service, ["settle", id(letters[0]), "--as", "sent"])
      #expect(state.status == 1 && state.output.isEmpty && state.errors.contains("dead ones are abandoned"))
      let unknown = try await run(service, ["abandon", "\(EnvelopeID.timeOrdered())"])
      #expect(unknown.status == 1 && unknown.errors.contains("there is nothing with this id"))
      let refused = try await run(service, ["settle", id(letters[1]), "--as", "failed"])
      #expect(refused.status == 1 && refused.errors.contains("nothing was done; 1: the SMS is not in a state"))
      let drop = try await run(service, ["drop", "\(EnvelopeID.timeOrdered())"])
      #expect(drop.status == 1 && drop.errors.contains("there is nothing with this id"))
    }
  }

  @Test("settles and abandons what is named, and waits for the scheduler")
  func settles() async throws {
    let letters = [Samples.dead(), Samples.dead(state: .unconfirmed)]
    try await withScheduler(letters) { service in
      let abandon = try await run(service, ["abandon", id(letters[0])])
      #expect(abandon.status == 0 && abandon.output == "1 letters abandoned\n")
      let settle = try await run(service, ["settle", id(letters[1]), "--as", "sent"])
      #expect(settle.status == 0 && settle.output == "1 letters settled\n")
    }
  }

  @Test("records the request when there is no broker, for the service to go on with")
  func noBroker() async throws {
    try await DeadLetterService.with(replicas: 0) { service in
      try await service.migrate()
      _ = try await LetterStore(pool: service.pool).open([NewLetter(Samples.dead())])
      let unset = try await run(service, ["replay", "--yes"], broker: nil)
      #expect(unset.status == 0 && unset.output.hasSuffix("; the scheduler has not answered yet\n"))
      #expect(unset.errors.contains("the service will go on with it"))
      let waiting = try await service.pool.query("SELECT FROM dead_letter.orders WHERE published_at IS NULL").count
      #expect(waiting == 1)
      let replay: UUID? = try await service.pool.query("SELECT request_id AS id FROM dead_letter.requests").first?
        .decode("id")
      let cancel = try await run(service, ["cancel", "\(replay ?? UUID())", "--reason", "oops"], broker: nil)
      #expect(cancel.status == 0 && cancel.output.hasPrefix("the replay is cancelled"), "\(cancel.errors)")
      let again = try await run(service, ["cancel", "\(replay ?? UUID())"], broker: nil)
      #expect(
        again.status == 1 && again.errors.contains("cancelled already, by \(NSUserName()) at 20"), "\(again.errors)")
      let wrong = try await run(service, ["replay", "--yes"], broker: "nonsense")
      #expect(wrong.status == 78 && wrong.errors.contains("SLUICE_AMQP_URL"))
    }
  }

  @Test("gives poison back, mended if it is a message for its queue, and names the field if it is not")
  func poison() async throws {
    try await withScheduler([]) { service in
      let message = PoisonMessage(
        Samples.delivery(
          Array("{nonsense".utf8), queue: BrokerNames.poison,
          headers: [PoisonHeader.originQueue: .string(BrokerNames.schedulerCommands)]))
      try await PoisonStore(pool: service.pool).keep(message, isRedelivery: false)
      let mended = String(decoding: try Wire.encode(Envelope(SendingGo())), as: UTF8.self)
      let broken = try await run(
        service, ["return", "\(message.id)"], input: mended.replacing("\"v\":1", with: "\"v\":\"1\""))
      #expect(broken.status == 1 && broken.errors.contains(".v has the wrong type"))
      let back = try await run(service, ["return", "\(message.id)"], input: mended)
      #expect(back.status == 0 && back.output == "given back to its queue\n", "\(back.errors)")
      try await eventually("it lies in its queue") { try service.facts(SendingGo.self).count == 1 }
      let again = try await run(service, ["drop", "\(message.id)"])
      #expect(again.status == 1 && again.errors.contains("not pending"))
      let list = try await run(service, ["list", "--poison"])
      #expect(list.output.contains("retried"))
    }
  }
  @Test(
    "has words for every reason why something is refused",
    arguments: [
      "not_found", "poison", "timeout", "came_again", "not_pending", "wrong_state", "nothing_to_cancel",
      "already_cancelled", "no_queue", "expired", "too_old", "unknown_provider", "provider_not_allowed", "cancelled",
      "cancelling", "too_many", "empty", "invalid_limit", "invalid_body",
    ])
  func words(reason: String) {
    #expect(!RequestReport.sentence(reason).hasPrefix("refused:"))
  }
}
