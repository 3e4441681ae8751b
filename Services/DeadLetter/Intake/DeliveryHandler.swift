import AMQP
import Contracts
import Logging
import Postgres
import ServiceKit

/// Does what one delivery asks for. May be repeated with the same delivery: the second time changes nothing.
struct DeliveryHandler: Sendable {
  var letters: LetterStore
  var poison: PoisonStore
  var publisher: AMQPPublisher
  var metrics: DeadLetterMetrics
  var logger: Logger

  /// Returns when everything is stored and what follows from it is confirmed by the broker: then the delivery can be
  /// acknowledged.
  func handle(_ delivery: AMQPDelivery) async throws {
    switch try Incoming(delivery) {
    case .dead(let envelope, let new): try await open(new, envelope.header)
    case .closed(let envelope, let closings): try await close(closings, at: envelope.header.at)
    case .finished(let envelope): try await letters.finish(envelope.body.letters)
    case .command(let header): try await refuse(header)
    case .poison(let message): try await keep(message, isRedelivery: delivery.redelivered)
    }
  }

  private func open(_ new: [NewLetter], _ cause: EnvelopeHeader) async throws {
    guard !new.isEmpty else { return }
    let added = try await letters.open(new)
    Failpoint.reach(.letterCommitted)
    // Repeats tell of all letters again: the first time may have ended between the commit and the confirm.
    let fact = LettersOpened(
      letters: new.map {
        LettersOpened.Entry(
          letterID: $0.id, unit: $0.entry.unit, dispatch: $0.entry.dispatch, errorType: $0.entry.errorType)
      })
    try await publish(fact, causedBy: cause)
    for letter in new where added.contains(letter.id) { metrics.opened(letter.entry.errorType) }
    logger.info("letters opened", metadata: [LogKey.count: "\(added.count)", LogKey.envelopeID: "\(cause.id)"])
  }

  private func close(_ closings: [Incoming.Closing], at time: Timestamp) async throws {
    guard !closings.isEmpty else { return }
    let closed = try await letters.close(closings, at: time)
    for state in closed { metrics.closed(state) }
    logger.info("letters closed", metadata: [LogKey.count: "\(closed.count)"])
  }

  /// Commands are not carried out yet; whoever sent one is told so instead of waiting in vain.
  private func refuse(_ command: EnvelopeHeader) async throws {
    try await publish(
      CommandAnswered(commandID: command.id, command: command.type, result: .refused, reason: "not_supported"),
      causedBy: command)
    logger.notice(
      "command refused", metadata: [LogKey.commandID: "\(command.id)", LogKey.envelopeType: "\(command.type.rawValue)"])
  }

  private func keep(_ message: PoisonMessage, isRedelivery: Bool) async throws {
    try await poison.keep(message, isRedelivery: isRedelivery)
    if !isRedelivery { metrics.poison(message.queue) }
    logger.error(
      "poison message kept",
      metadata: [
        LogKey.envelopeID: "\(message.id)", LogKey.queue: "\(message.queue)", LogKey.error: "\(message.error)",
      ])
  }

  private func publish<Body: Payload>(_ body: Body, causedBy cause: EnvelopeHeader) async throws {
    try await publisher.publish(
      Envelope(
        body, id: LetterIDs.fact(Body.type, causedBy: cause.id), requestID: cause.requestID,
        traceparent: cause.traceparent),
      exchange: BrokerNames.events)
  }
}
