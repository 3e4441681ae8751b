import Contracts
import Foundation
import Postgres

/// One replay: who asked for what, and what has come of it so far.
struct ReplayRow: Sendable {
  var id: ReplayID
  var actorID: UserID?
  var actor: String
  var reason: String?
  var messageClass: String?
  var provider: String?
  var expiresAt: Timestamp?
  var letters: Int
  var segments: Int
  var requestedAt: Timestamp
  /// Who took back what had not gone out, when and why; `nil` where nobody did.
  var cancellation: Cancellation?
  var endedAt: Timestamp?
  var results = ReplayResults()

  struct Cancellation: Sendable {
    var at: Timestamp
    /// `nil` for somebody at the command line of the dead-letter service.
    var actorID: UserID?
    /// `nil` when a dead-letter service carried it out that did not note it yet.
    var actor: String?
    var reason: String?
  }

  /// Behind it, newest first.
  var cursor: PageCursor { PageCursor(acceptedAt: requestedAt, messageID: MessageID(id.uuid)) }

  /// What the initializer reads, for a `SELECT` from the view `dead_letter.requests_read`.
  static let columns = """
    id, actor_id, actor, reason, class, provider, expires_at, letters, segments, requested_at, cancelled_at, cancelled_by_id,
    cancelled_by, cancel_reason, ended_at
    """

  init(_ row: PostgresRow) throws {
    id = ReplayID(try row.decode("id", as: UUID.self))
    actorID = try row.decode("actor_id", as: UUID?.self).map { UserID($0) }
    actor = try row.decode("actor")
    reason = try row.decode("reason")
    messageClass = try row.decode("class")
    provider = try row.decode("provider")
    expiresAt = try row.decodeTime("expires_at")
    letters = try row.decode("letters")
    segments = try row.decode("segments")
    requestedAt = Timestamp(try row.decode("requested_at", as: Date.self))
    if let at = try row.decodeTime("cancelled_at") {
      cancellation = Cancellation(
        at: at, actorID: try row.decode("cancelled_by_id", as: UUID?.self).map { UserID($0) },
        actor: try row.decode("cancelled_by"),
        reason: try row.decode("cancel_reason"))
    }
    endedAt = try row.decodeTime("ended_at")
  }

  func write(_ json: inout JSONWriter) {
    json.member("id", id.description)
    json.member("actor_id", actorID?.description)
    json.member("actor", actor)
    json.member("reason", reason)
    json.member("class", messageClass)
    json.member("provider", provider)
    json.member("expires_at", expiresAt)
    json.member("count", letters)
    json.member("segments", segments)
    json.member("requested_at", requestedAt)
    write(cancellation, &json)
    json.member("ended_at", endedAt)
    json.object("results") { json in results.write(&json) }
  }
}

extension ReplayRow {
  /// Who cancelled it, when and why.
  private func write(_ cancellation: Cancellation?, _ json: inout JSONWriter) {
    json.member("cancelled_at", cancellation?.at)
    json.member("cancelled_by_id", cancellation?.actorID?.description)
    json.member("cancelled_by", cancellation?.actor)
    json.member("cancel_reason", cancellation?.reason)
  }
}

/// How many letters of a replay ended how.
struct ReplayResults: Sendable, Equatable {
  /// Before the reason of what the scheduler would not have.
  static let refusal = "refused:"

  /// Still under way.
  private var pending = 0
  /// What a cancellation kept from going.
  private var takenBack = 0
  private var ended: [UnitState: Int] = [:]
  private var refusals: [String: Int] = [:]

  /// - Parameter result: As it is stored; `nil` for what is under way.
  mutating func add(_ result: String?, _ count: Int) {
    guard let result else { return pending += count }
    if result == "taken_back" || result == Self.refusal + "cancelled" {
      takenBack += count
    } else if let state = UnitState(rawValue: result) {
      ended[state, default: 0] += count
    } else {
      let reason = result.hasPrefix(Self.refusal) ? String(result.dropFirst(Self.refusal.count)) : result
      refusals[reason, default: 0] += count
    }
  }

  /// How many went or came back, in words.
  var summary: String {
    let counts =
      [("still under way", pending), ("taken back", takenBack)]
      + UnitState.allCases.map { ($0.rawValue, ended[$0, default: 0]) }
    let words = counts.filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }
    let refused = refusals.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    return (words + refused).joined(separator: ", ")
  }

  func write(_ json: inout JSONWriter) {
    json.member("pending", pending)
    json.member("sent", ended[.sent, default: 0])
    json.member("failed", ended[.failed, default: 0])
    json.member("expired", ended[.expired, default: 0])
    json.member("cancelled", ended[.cancelled, default: 0])
    json.member("taken_back", takenBack)
    json.member("dead", ended[.dead, default: 0])
    json.member("unconfirmed", ended[.unconfirmed, default: 0])
    json.member("refused", refusals.values.reduce(0, +))
    json.array("refusals", refusals.sorted { $0.key < $1.key }) { json, refusal in
      json.element { json in
        json.member("reason", refusal.key)
        json.member("count", refusal.value)
      }
    }
  }
}
