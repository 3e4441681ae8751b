import Contracts
import Logging
import Metering
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import Scheduler

/// A leader's store on a database of its own, with the steps that tests take on it.
struct SchedulerDatabase {
  static let limit = ProviderLimit(count: 2, windowMilliseconds: 1000, pacing: .sliding, version: 1)

  var term: LeaderTerm
  var lease: LeaderLease
  /// For pools of their own.
  var url: String
  let user = UserID.timeOrdered()

  static func with(_ body: (SchedulerDatabase) async throws -> Void) async throws {
    let database = try await PostgresCluster.shared().makeDatabase()
    let logger = Logger(label: "store-tests")
    let pool = PostgresPool(configuration: try PostgresConfiguration(url: database), logger: logger)
    try await Migrator.migrate(
      schema: SchedulerSchema.name, migrations: SchedulerSchema.migrations, pool: pool, logger: logger)
    let lease = LeaderLease(pool: pool, schema: SchedulerSchema.name, holder: "test")
    let epoch = try #require(try await lease.take(isRestart: true))
    try await body(SchedulerDatabase(term: LeaderTerm(pool: pool, epoch: epoch), lease: lease, url: database))
    await pool.close()
  }

  func message(
    _ count: Int, user: UserID? = nil, sendAt: Timestamp? = nil, expiresAt: Timestamp? = nil
  ) -> Envelope<MessageAccepted> {
    Envelope(
      MessageAccepted(
        messageID: .timeOrdered(), userID: user ?? self.user, messageClass: .normal, content: "Hi, \"you\" 你好",
        recipients: (0..<count).map { "+852\(91_000_000 + $0)" }, segments: 1, encoding: "ucs2", sendAt: sendAt,
        expiresAt: expiresAt, acceptedAt: .now()))
  }

  /// Takes a message in.
  func takeIn(_ message: Envelope<MessageAccepted>) async throws -> IntakeStore.Result {
    try await IntakeStore(term: term).add([message])
  }

  /// Dispatches the next units of a message that was just taken in.
  func dispatch(_ span: MessageSpan, _ range: Range<Int>) async throws -> [SendCommand.Attempt] {
    let picks = range.map {
      DispatchPick(
        source: .fresh(UnitID(messageID: span.messageID, index: $0)),
        flow: FlowKey(messageClass: .normal, userID: user), provider: "hkt", cost: 1)
    }
    let result = try await DispatchStore(term: term).issue(
      [DispatchStore.Order(provider: "hkt", limit: Self.limit, picks: picks)],
      tags: [FlowTags(flowID: 1, tags: ["hkt": 5])])
    return result.commands.flatMap(\.command.attempts)
  }

  /// Applies one report.
  @discardableResult
  func report(_ attempt: AttemptID, _ report: UnitTransition.Report) async throws -> OutcomeStore.Result {
    try await OutcomeStore(term: term).apply(
      [
        OutcomeStore.Report(
          attempt: attempt, provider: "hkt", report: report, reply: ProviderReply(status: 200, body: "OK"),
          errorCode: nil, startedAt: .now(), finishedAt: .now())
      ], policies: [:])
  }

  /// Gives a command about one message, and carries it out to its end.
  func command(
    _ action: MessageCommand.Action, _ id: MessageID, commandID: EnvelopeID = .timeOrdered()
  ) async throws -> CommandStore.Result {
    let command = try Self.received(action, .message(id), commandID)
    guard action == .retryFailed else {
      let run = try await CommandStore(term: term).apply([(command, id)], until: .now)
      return CommandStore.Result(changes: run.changes.first ?? MessageStore.Changes(), outbox: run.outbox)
    }
    let store = RetryStore(term: term)
    let begun = try await store.begin(command, id)
    var result = CommandStore.Result(outbox: begun.outbox)
    guard var retry = begun.retry else { return result }
    while !retry.isDone {
      let step = try await store.step(retry)
      retry = step.retry
      result.changes.returned += step.changes.returned
      result.outbox += step.outbox
    }
    return result
  }

  /// A command as it comes from the broker.
  static func received(
    _ action: MessageCommand.Action, _ target: CommandTarget, _ id: EnvelopeID = .timeOrdered()
  ) throws -> MessageCommand {
    let body =
      switch action {
      case .cancel: try Wire.encode(Envelope(MessageCancel(target: target), id: id))
      case .pause: try Wire.encode(Envelope(MessagePause(target: target), id: id))
      case .resume: try Wire.encode(Envelope(MessageResume(target: target), id: id))
      case .retryFailed:
        if case .message(let message) = target {
          try Wire.encode(Envelope(MessageRetryFailed(messageID: message), id: id))
        } else {
          [UInt8]()
        }
      }
    guard case .messages(let command, _) = try ReceivedCommand(body) else { throw StoreError.outOfStep }
    return command
  }
}

extension [OutboxEntry] {
  /// The facts of one kind among them.
  func facts<Body: Payload>(_ type: Body.Type = Body.self) throws -> [Body] {
    try filter { $0.type == Body.type.rawValue }.map { try Wire.decode(Body.self, from: $0.body).body }
  }

  /// The only answer among them.
  func answer() throws -> CommandAnswered {
    let answers = try facts(CommandAnswered.self)
    try #require(answers.count == 1)
    return answers[0]
  }
}
