import AMQP
import Contracts
import Logging
import Postgres
import ServiceKit

/// Does what one delivery asks for. May be repeated with the same delivery: the second time changes nothing.
struct DeliveryHandler: Sendable {
  var letters: LetterStore
  var requests: LetterRequests
  var poison: PoisonStore
  var publisher: AMQPPublisher
  /// Wakes the relay.
  var bell: Bell
  var metrics: DeadLetterMetrics
  var logger: Logger

  /// Returns when everything is stored and what follows from it is confirmed by the broker: then the delivery can be
  /// acknowledged.
  func handle(_ delivery: AMQPDelivery) async throws {
    switch try Incoming(delivery) {
    case .dead(let envelope, let new): try await open(new, envelope.header)
    case .closed(let envelope, let closings): try await close(closings, at: envelope.header.at)
    case .finished(let envelope): try await finish(envelope)
    case .command(let command, let header): try await carryOut(command, header)
    case .answer(let answer): try await take(answer)
    case .poison(let message): try await keep(message, isRedelivery: delivery.redelivered)
    }
  }

  private func open(_ new: [NewLetter], _ cause: EnvelopeHeader) async throws {
    guard !new.isEmpty else { return }
    let openings = try await letters.open(new)
    Failpoint.reach(.letterCommitted)
    // Repeats tell of all letters again: the first time may have ended between the commit and the confirm.
    let fact = LettersOpened(
      letters: openings.map {
        LettersOpened.Entry(
          letterID: $0.letterID, unit: $0.entry.unit, dispatch: $0.entry.dispatch, errorType: $0.entry.errorType)
      })
    try await publish(fact, causedBy: cause)
    let news = openings.filter(\.isNews)
    for letter in news { metrics.opened(letter.entry.errorType) }
    logger.info("letters opened", metadata: [LogKey.count: "\(news.count)", LogKey.envelopeID: "\(cause.id)"])
  }

  private func close(_ closings: [Incoming.Closing], at time: Timestamp) async throws {
    guard !closings.isEmpty else { return }
    let closed = try await letters.close(closings, at: time)
    for state in closed { metrics.closed(state) }
    logger.info("letters closed", metadata: [LogKey.count: "\(closed.count)"])
  }

  private func finish(_ envelope: Envelope<LettersFinished>) async throws {
    let closed = try await letters.finish(envelope.body.letters, at: envelope.header.at)
    for state in closed { metrics.closed(state) }
    logger.info("replays ended", metadata: [LogKey.count: "\(envelope.body.letters.count)"])
  }

  /// Whoever sent the command is answered now, or when the scheduler has answered all that follows from it.
  private func carryOut(_ command: LetterCommand, _ header: EnvelopeHeader) async throws {
    let request = try await requests.carryOut(command, header)
    Failpoint.reach(.letterRequestCommitted)
    bell.ring()
    if let answer = request.fact { try await publisher.publish(answer, exchange: BrokerNames.events) }
    logger.notice(
      "request recorded",
      metadata: [
        LogKey.commandID: "\(header.id)", LogKey.envelopeType: "\(header.type.rawValue)",
        LogKey.count: "\(request.letters)", LogKey.reason: "\(request.refusal ?? "")",
      ])
  }

  /// Answers a command that takes too long each time, so that it does not hold up what comes behind it.
  /// - Returns: False for what is no command.
  func giveUp(_ delivery: AMQPDelivery) async throws -> Bool {
    guard case .command(let command, let header) = try Incoming(delivery) else { return false }
    let request = try await requests.refuse(command, header, because: "timeout")
    if let answer = request.fact { try await publisher.publish(answer, exchange: BrokerNames.events) }
    logger.error(
      "request refused, it takes too long",
      metadata: [LogKey.commandID: "\(header.id)", LogKey.envelopeType: "\(header.type.rawValue)"])
    return true
  }

  private func take(_ answer: CommandAnswered) async throws {
    // A replay's own answer went out when it began.
    guard let request = try await requests.take(answer), request.kind != .replay, let answer = request.fact else {
      return
    }
    try await publisher.publish(answer, exchange: BrokerNames.events)
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
