import Contracts
import Metering

/// Turns facts into events: a small vocabulary without phone numbers and texts. Pure.
///
/// One event is about one message at most, so that each has one owner.
struct FactTranslator: Sendable {
  /// False for facts that are read again later: what the queue was like then is of no interest now.
  let isLive: Bool
  private var queueAt: Timestamp?
  private var isSending: Bool?
  private var states: [String: String] = [:]

  init(isLive: Bool) { self.isLive = isLive }

  /// - Parameter queue: The queue as it is now.
  /// - Returns: None for facts that nobody is told of.
  /// - Throws: `WireError` when it is not a fact of this contract.
  mutating func drafts(
    _ type: MessageType, _ body: [UInt8], queue: () -> QueueSnapshot
  ) throws -> [EventDraft] {
    switch type {
    case .messageAccepted: [Self.accepted(try Self.read(body))]
    case .messageQueued: Self.queued(try Self.read(body))
    case .messageCancelled: Self.cut(try Self.read(body, MessagesCancelled.self).messages, type, "cancelled")
    case .messageExpired: Self.cut(try Self.read(body, MessagesExpired.self).messages, type, "expired")
    case .messagePaused:
      Self.held(try Self.read(body, MessagesPaused.self)) { ($0.targets, $0.changedAt) }
    case .messageResumed:
      Self.held(try Self.read(body, MessagesResumed.self)) { ($0.targets, $0.changedAt) }
    case .messageFinished: Self.finished(try Self.read(body))
    case .unitDispatched: Self.dispatched(try Self.read(body))
    case .unitChanged: Self.changed(try Self.read(body))
    case .letterOpened: Self.opened(try Self.read(body))
    case .letterClosed: Self.closed(try Self.read(body))
    case .letterFinished: Self.ended(try Self.read(body))
    case .providerChanged: providers(try Self.read(body))
    case .queueChanged: isLive ? heads(try Self.read(body), queue) : []
    case .unitDead, .ledgerMarked, .ledgerCounted, .userChanged, .commandAnswered, .send, .messageCancel,
      .messagePause, .messageResume, .messageRetryFailed, .unitReplay, .unitSettle, .replayCancel, .providerSet,
      .providerReset, .sendingStop, .sendingGo, .deadLetterReplay, .deadLetterCancel, .deadLetterAbandon,
      .deadLetterSettle,
      .poisonReturn, .poisonDrop, .attemptOutcome, .sendExpired:
      []
    }
  }

  private static func read<Body: Payload>(_ bytes: [UInt8], _ type: Body.Type = Body.self) throws -> Body {
    try Wire.decode(Body.self, from: bytes).body
  }

  // MARK: The queue and the providers

  private mutating func providers(_ body: ProvidersChanged) -> [EventDraft] {
    for entry in body.providers { states[entry.name] = entry.state }
    return [
      EventDraft("provider", .everybody) { json in
        json.array("providers", body.providers) { json, entry in
          json.element { json in
            json.member("id", entry.name)
            json.member("state", entry.state)
            json.member("pause_reason", entry.pauseReason)
            json.member("rate", entry.windowSeconds > 0 ? Double(entry.rate) / entry.windowSeconds : nil)
          }
        }
      }
    ]
  }

  /// The queue at most once a second, and the providers whose state is another one.
  private mutating func heads(_ body: QueueChanged, _ queue: () -> QueueSnapshot) -> [EventDraft] {
    var drafts: [EventDraft] = []
    let changed = body.providers.filter { states[$0.provider].map { [state = $0.state] in $0 != state } ?? false }
    for pace in body.providers { states[pace.provider] = pace.state }
    if !changed.isEmpty {
      drafts.append(
        EventDraft("provider", .everybody) { json in
          json.array("providers", changed) { json, pace in
            json.element { json in
              json.member("id", pace.provider)
              json.member("state", pace.state)
              json.member("pause_reason", pace.pauseReason)
              json.member("rate", pace.nominalRate)
            }
          }
        })
    }
    guard isSending != body.isSending || queueAt.map({ body.asOf - $0 >= .seconds(1) }) ?? true else { return drafts }
    (queueAt, isSending) = (body.asOf, body.isSending)
    let snapshot = queue()
    drafts.append(
      EventDraft("queue", .everybody) { json in
        json.member("queue_depth", max(0, snapshot.totalBacklog))
        json.member("msgs_per_sec", snapshot.rate)
        json.member("sending", body.isSending ? "running" : "stopped")
        json.member("as_of", body.asOf)
      })
    return drafts
  }
}
