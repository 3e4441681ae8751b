import AMQP
import Contracts
import Logging
import Metrics
import ServiceKit

/// Sends commands to other services and says what they did with them.
struct CommandBus: Sendable {
  let publisher: any FactPublisher
  let answers: AnswerTable
  let limiter: RequestLimiter
  /// How long the broker may take to confirm.
  var confirmation = Duration.milliseconds(2_500)
  /// How long a caller waits for the answer, the confirmation included.
  var patience = Duration.seconds(3)

  private static let unanswered = Counter(label: "sluice_gateway_commands_unanswered_total")

  /// Sends a command, on disk at the broker, and waits for its answer.
  /// - Returns: `nil` when nobody has answered in time: the command is carried out later.
  /// - Throws: `RATE_LIMITED` when its user gives too many; `SERVICE_UNAVAILABLE` when the broker did not confirm it in
  ///   time. It is withdrawn then, not repeated.
  func send(_ command: some Payload, _ context: GatewayContext) async throws -> CommandAnswered? {
    if let user = context.note.session?.principal.userID { try limiter.admitCommand(of: user, context.note) }
    let envelope = Envelope(command, requestID: context.requestID, traceparent: context.traceparent)
    let id = envelope.header.id
    do {
      let answer = try await answers.answer(to: id, by: .now + patience) { try await publish(envelope) }
      if answer == nil {
        Self.unanswered.increment()
        context.logger.info(
          "A command was not answered in time",
          metadata: [LogKey.commandID: "\(id)", LogKey.envelopeType: "\(envelope.header.type.rawValue)"])
      }
      return answer
    } catch is AnswerTable.Full {
      throw APIError.unavailable("Too many commands wait for an answer")
    }
  }

  private func publish<Body: Payload>(_ envelope: Envelope<Body>) async throws {
    let message = AMQPMessage(
      body: try Wire.encode(envelope), messageID: envelope.header.id.description, type: Body.type.rawValue)
    do {
      try await publisher.publish(
        message, exchange: BrokerNames.commands, routingKey: Body.type.rawValue, timeout: confirmation)
    } catch {
      throw APIError.unavailable(
        "The broker did not confirm in time, so whether this is carried out is not known; it may be asked again")
    }
  }
}
