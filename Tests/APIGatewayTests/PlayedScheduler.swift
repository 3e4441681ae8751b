import AMQP
import Contracts
import Logging
import NIOConcurrencyHelpers
import TestSupport

@testable import APIGateway

/// Takes the commands off the scheduler's queue, or another service's, and answers them on the stream, as a test says.
final class PlayedScheduler: Sendable {
  typealias Script = @Sendable (EnvelopeHeader) -> CommandAnswered?

  /// A command as it lay in the queue.
  struct Received: Sendable {
    var header: EnvelopeHeader
    var body: [UInt8]
  }

  private let state: NIOLockedValueBox<(received: [Received], script: Script)>

  private init() { state = NIOLockedValueBox(([], { _ in nil })) }

  var received: [Received] { state.withLockedValue { $0.received } }

  /// Answers every command from now on like this.
  func answer(
    _ result: CommandAnswered.Result, reason: String? = nil, counts: UnitCounts? = nil,
    letters: CommandAnswered.LetterCounts? = nil
  ) {
    state.withLockedValue { state in
      state.script = {
        CommandAnswered(
          commandID: $0.id, command: $0.type, result: result, reason: reason, counts: counts, letters: letters)
      }
    }
  }

  /// Says nothing from now on.
  func beSilent() { state.withLockedValue { $0.script = { _ in nil } } }

  /// The last command, if it is one of this type.
  func last<Body: Payload>(_ type: Body.Type = Body.self) throws -> Envelope<Body> {
    try Wire.decode(Body.self, from: received.last?.body ?? [])
  }

  /// Plays while the body runs, which begins when the gateway hears what is said.
  /// - Parameters:
  ///   - name: The service that is played.
  ///   - queue: Where its commands lie.
  ///   - command: A request that leads to one.
  static func run(
    in stack: GatewayStack, as name: String = "scheduler", queue: String = BrokerNames.schedulerCommands,
    command: (path: String, body: String?) = ("/api/admin/sending/go", nil),
    _ body: @Sendable (PlayedScheduler) async throws -> Void
  ) async throws {
    let scheduler = PlayedScheduler()
    var account = stack.amqp
    account.username = name
    let consumer = AMQPConsumer(
      configuration: account.named("played consumer"),
      subscriptions: [AMQPSubscription(queue: queue, prefetch: 10)], logger: stack.logger)
    let publisher = AMQPPublisher(configuration: account.named("played publisher"), logger: stack.logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await publisher.run() }
      group.addTask { try await consumer.run() }
      group.addTask {
        for await delivery in consumer.deliveries {
          let received = Received(header: try Wire.header(of: delivery.body), body: delivery.body)
          let answer = scheduler.state.withLockedValue { state in
            state.received.append(received)
            return state.script(received.header)
          }
          if let answer {
            try await publisher.publish(Envelope(answer), exchange: BrokerNames.events, timeout: .seconds(5))
          }
          await consumer.acknowledge(delivery)
        }
      }
      scheduler.answer(.done)
      // The follower reads from `next` on: what is said before it has begun it does not hear.
      try await eventually(within: .seconds(20), "an answer reaches the gateway") {
        try await stack.admin("POST", command.path, command.body).status == 200
      }
      try await body(scheduler)
      group.cancelAll()
    }
  }
}
