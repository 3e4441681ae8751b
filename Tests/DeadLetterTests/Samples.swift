@testable import AMQP
import Contracts
import Foundation

@testable import DeadLetter

/// Things to test with.
enum Samples {
  static let user = UserID.timeOrdered()
  static let time = Timestamp(microseconds: 1_795_000_000_123_456)

  static func dead(
    _ messageID: MessageID = .timeOrdered(), index: Int = 0, dispatch: Int = 4, state: UnitState = .dead,
    errorType: String = "timeout", provider: String = "hkt", content: String = "Hello", phone: String = "+85291234567",
    reply: String = "no"
  ) -> UnitsDead.Entry {
    UnitsDead.Entry(
      unit: UnitID(messageID: messageID, index: index), dispatch: dispatch, state: state, errorType: errorType,
      errorMessage: "the provider did not answer", userID: user, messageClass: .normal, phone: phone, content: content,
      segments: 1, encoding: "gsm7", pinnedProvider: nil, reference: "r-1", attemptsUsed: 2, maxAttempts: 5,
      attempts: [
        UnitsDead.Attempt(
          dispatch: 4, provider: provider, outcome: .retryable, reply: ProviderReply(status: 500, body: reply),
          errorCode: "http_500", startedAt: time, finishedAt: time + .seconds(1)),
        UnitsDead.Attempt(
          dispatch: 1, provider: "first", outcome: .unknown, reply: nil, errorCode: "timeout", startedAt: nil,
          finishedAt: time),
      ], acceptedAt: time, diedAt: time + .seconds(2))
  }

  static func letter(_ entry: UnitsDead.Entry) throws -> NewLetter { try NewLetter(entry) }

  static func closing(
    _ entry: UnitsDead.Entry, _ reason: LetterState.CloseReason, _ state: UnitState = .sent
  ) -> Incoming.Closing {
    Incoming.Closing(
      entry: LettersClosed.Entry(
        unit: entry.unit, dispatch: entry.dispatch, state: state, reason: reason.rawValue),
      state: LetterState(closedFor: reason))
  }

  static func delivery(
    _ body: [UInt8], queue: String = BrokerNames.deadLetterUnits, headers: [String: AMQPValue] = [:],
    messageID: String? = nil
  ) -> AMQPDelivery {
    AMQPDelivery(
      queue: queue, exchange: BrokerNames.events, routingKey: "unit.dead", body: body, messageID: messageID, type: nil,
      contentType: nil, timestamp: nil, headers: headers, redelivered: false, deliveryCount: 0, streamOffset: nil,
      token: AMQPDelivery.Token(epoch: 1, tag: 1))
  }
}
