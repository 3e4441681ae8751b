import Contracts

/// What is known of one message beside its units' states. Merging is commutative, associative and idempotent.
struct FoldedMessage: Sendable, Equatable {
  /// Where it stands: unit *i* has number `firstNumber + i` in the flow.
  struct Place: Sendable, Equatable {
    var flowID: Int64
    var firstNumber: Int64
  }

  /// A provider's answer; the latest of a message is shown with it.
  struct Reply: Sendable, Equatable {
    var at: Timestamp
    var index: Int
    var dispatch: Int
    var status: Int?
    var body: String

    func isLater(than other: Reply) -> Bool {
      (at, index, dispatch) > (other.at, other.index, other.dispatch)
    }
  }

  /// Its end, as the scheduler counts it; the latest one is kept.
  struct Finish: Sendable, Equatable {
    var at: Timestamp
    var counts: UnitCounts

    /// In the order of the column `told_counts`.
    var list: [Int] {
      [
        counts.pending, counts.sending, counts.retrying, counts.sent, counts.failed, counts.dead, counts.expired,
        counts.cancelled, counts.unconfirmed,
      ]
    }

    func isLater(than other: Finish) -> Bool {
      at == other.at ? list.lexicographicallyPrecedes(other.list) : at > other.at
    }
  }

  /// The caller's request, without its recipients: they are units.
  struct Request: Sendable, Equatable {
    var userID: UserID
    var messageClass: MessageClass
    var content: String
    var reference: String?
    var provider: String?
    var segments: Int
    var encoding: String
    var recipientCount: Int
    var firstPhone: String?
    var acceptedAt: Timestamp
    var sendAt: Timestamp?
    var expiresAt: Timestamp?
    /// The only ones that may carry it, with commas between; `nil` for any.
    var providers: String?

    init(_ accepted: MessageAccepted) {
      userID = accepted.userID
      messageClass = accepted.messageClass
      content = StoredText.of(accepted.content)
      reference = StoredText.of(accepted.reference)
      provider = StoredText.of(accepted.provider)
      segments = accepted.segments
      encoding = StoredText.of(accepted.encoding)
      recipientCount = accepted.recipients.count
      firstPhone = StoredText.of(accepted.recipients.first)
      acceptedAt = accepted.acceptedAt
      sendAt = accepted.sendAt
      expiresAt = accepted.expiresAt
      providers = StoredText.of(accepted.providers?.joined(separator: ","))
    }
  }

  var request: Request?
  var place: Place?
  /// The highest unit index that was ever dispatched, plus one; all of them where the rest was cut off.
  var dispatched = 0
  var finish: Finish?
  var lastReply: Reply?

  init() {}

  mutating func note(_ reply: ProviderReply, of change: UnitChange) {
    let reply = Reply(
      at: change.finishedAt, index: change.attempt.index, dispatch: change.attempt.dispatch, status: reply.status,
      body: StoredText.of(reply.body))
    if lastReply.map({ reply.isLater(than: $0) }) ?? true { lastReply = reply }
  }

  mutating func noteDispatched(index: Int) { dispatched = max(dispatched, index + 1) }

  mutating func noteFinished(_ entry: MessagesFinished.Entry) {
    let finish = Finish(at: entry.finishedAt, counts: entry.counts)
    if self.finish.map({ finish.isLater(than: $0) }) ?? true { self.finish = finish }
  }
}
