import Contracts

@testable import APIGateway

/// Facts about messages, for tests of live events.
struct EventFacts {
  let now = Timestamp.now()

  func accepted(_ id: MessageID, of user: UserID) -> MessageAccepted {
    MessageAccepted(
      messageID: id, userID: user, messageClass: .normal, content: "the secret text", recipients: ["+85291234567"],
      segments: 1, encoding: "gsm7", reference: "r1", acceptedAt: now)
  }

  func dispatched(_ ids: MessageID...) -> UnitsDispatched {
    UnitsDispatched(
      units: ids.map { .init(attempt: AttemptID(unit: UnitID(messageID: $0, index: 0), dispatch: 0), provider: "hkt") },
      dispatchedAt: now)
  }

  func sent(_ id: MessageID) -> UnitsChanged {
    UnitsChanged(units: [
      UnitChange(
        attempt: AttemptID(unit: UnitID(messageID: id, index: 0), dispatch: 0), state: .sent, dispatch: 0,
        attemptsUsed: 1, provider: "hkt", outcome: .accepted, reply: ProviderReply(status: 200, body: "a reply"),
        finishedAt: now)
    ])
  }
}

extension GatewayFixture {
  /// Has the log say something.
  func offer<Body: Payload>(_ offset: UInt64, _ fact: Body) throws {
    feed.offer(LiveFeed.Raw(offset: offset, type: Body.type, body: try Wire.encode(Envelope(fact))))
  }
}
