import Contracts
import Foundation
import Postgres

/// A filter as SQL over `projection.messages_read m`.
///
/// One part of a filter is followed by an index that has the list's order; it is read from the newest message on, and
/// what the rest leaves out is passed over.
struct MessageSearch: Sendable {
  let filter: MessageFilter
  /// Behind it, newest first.
  var cursor: PageCursor?
  /// Only those of which some SMS ended other than sent.
  var isUnsent = false
  /// Only these, for a filter that few messages pass.
  var candidates: [UUID]?

  /// What an index finds: of several, each has the order by itself.
  private enum Lead {
    case everything
    case reference(String)
    case statuses([JobStatus])
    case messageClass(MessageClass)
    case open
    case unsent
  }

  private var lead: Lead {
    guard candidates == nil else { return .everything }
    guard filter.owner != nil else {
      let statuses = filter.jobStatuses ?? JobStatus.allCases
      if statuses.allSatisfy(\.isOpen) { return .open }
      return statuses.allSatisfy(\.isUnsent) ? .unsent : .everything
    }
    if let reference = filter.reference { return .reference(reference) }
    if let statuses = filter.jobStatuses { return .statuses(statuses) }
    return filter.messageClass.map { .messageClass($0) } ?? .everything
  }

  /// True when no message is passed over.
  var isFollowed: Bool {
    guard candidates == nil, filter.phone == nil, filter.phonePart == nil, filter.text == nil else { return false }
    switch lead {
    case .everything: return filter.reference == nil && filter.jobStatuses == nil && filter.messageClass == nil
    case .reference: return filter.jobStatuses == nil && filter.messageClass == nil
    case .statuses: return filter.messageClass == nil
    case .messageClass: return true
    case .open, .unsent: return false
    }
  }

  /// True when totals are kept of what it finds.
  var hasTotals: Bool {
    filter.messageClass == nil && filter.reference == nil && filter.phone == nil && filter.phonePart == nil
      && filter.text == nil
      && filter.from == nil && filter.to == nil
  }

  /// False when nothing can be found.
  var isPossible: Bool { filter.jobStatuses?.isEmpty != true && candidates?.isEmpty != true }

  /// The newest messages that the index finds.
  /// - Parameters:
  ///   - columns: For the `SELECT`; with `accepted_at` and `message_id` where the order matters.
  ///   - isReversed: The oldest instead, oldest first.
  func newest(_ columns: String, limit: Int, isReversed: Bool = false) -> PostgresQuery {
    let order = isReversed ? "ASC" : "DESC"
    func branch(_ condition: PostgresQuery) -> PostgresQuery {
      """
      SELECT \(unsafeRaw: columns) FROM projection.messages_read m WHERE \(condition) \(range)
      ORDER BY m.accepted_at \(unsafeRaw: order), m.message_id \(unsafeRaw: order) LIMIT \(limit)
      """
    }
    let unsent: PostgresQuery = isUnsent ? "AND m.has_unsent" : ""
    // The planner is not to know whose: of a user with most of the messages it would read everybody's newest instead, and
    // for long when those of late are others'. The same goes for classes and statuses.
    let owner: PostgresQuery = filter.owner.map { "m.user_id = (SELECT \($0.uuid)) \(unsent)" } ?? Self.everybodys
    // What is named is found by its id; no index on users is to be preferred.
    if candidates != nil {
      return branch(filter.owner.map { "m.user_id IS NOT DISTINCT FROM \($0.uuid)" } ?? "true")
    }
    switch lead {
    case .everything: return branch(owner)
    case .reference(let reference): return branch("\(owner) AND m.reference = \(reference)")
    case .messageClass(let messageClass): return branch("\(owner) AND m.class = (SELECT \(messageClass.rawValue))")
    case .open: return branch("m.is_open")
    case .unsent: return branch("m.has_unsent")
    case .statuses(let statuses):
      let branches = statuses.map { branch("\(owner) AND m.job_status = (SELECT \($0.rawValue))") }
      guard branches.count > 1, var all = branches.first.map({ "(\($0))" as PostgresQuery }) else {
        return branches.first ?? branch("false")
      }
      for branch in branches.dropFirst() { all = "\(all) UNION ALL (\(branch))" }
      return """
        SELECT * FROM (\(all)) m
        ORDER BY m.accepted_at \(unsafeRaw: order), m.message_id \(unsafeRaw: order) LIMIT \(limit)
        """
    }
  }

  /// True of every message, and what the index of everybody's newest asks for: no list of one user is to follow that.
  private static let everybodys: PostgresQuery = "m.recipient_count > 0"

  /// What the index does not see to, over a message `m` with all its columns.
  var rest: PostgresQuery {
    let statuses: PostgresQuery =
      filter.jobStatuses.map { "AND m.job_status = ANY (\($0.map(\.rawValue)))" } ?? ""
    let messageClass: PostgresQuery = filter.messageClass.map { "AND m.class = \($0.rawValue)" } ?? ""
    let reference: PostgresQuery = filter.reference.map { "AND m.reference = \($0)" } ?? ""
    let text: PostgresQuery = filter.text.map { "AND m.content ILIKE \(Self.pattern($0))" } ?? ""
    let phone: PostgresQuery =
      candidates != nil
      ? ""
      : filter.phone.map {
        """
        AND EXISTS (SELECT 1 FROM projection.recipients_read r WHERE r.message_id = m.message_id AND r.phone = \($0))
        """
      } ?? ""
    // Digits alone: nothing in them is special to LIKE.
    let part: PostgresQuery =
      filter.phonePart.map {
        """
        AND EXISTS (SELECT 1 FROM projection.recipients_read r WHERE r.message_id = m.message_id
          AND r.phone LIKE \("%\($0)%"))
        """
      } ?? ""
    return "true \(statuses) \(messageClass) \(reference) \(text) \(phone) \(part)"
  }

  /// The part of the order that is looked at.
  private var range: PostgresQuery {
    let from: PostgresQuery = filter.from.map { "AND m.accepted_at >= \($0.date)" } ?? ""
    let to: PostgresQuery = filter.to.map { "AND m.accepted_at <= \($0.date)" } ?? ""
    let those: PostgresQuery = candidates.map { "AND m.message_id = ANY (\($0))" } ?? ""
    return "\(from) \(to) \(behind) \(those)"
  }

  private var behind: PostgresQuery {
    guard let cursor else { return "" }
    let key: PostgresQuery = "(\(cursor.acceptedAt.date), \(cursor.messageID.uuid))"
    // Of a list of SMS the message itself may have more.
    return cursor.unitIndex == nil
      ? "AND (m.accepted_at, m.message_id) < \(key)" : "AND (m.accepted_at, m.message_id) <= \(key)"
  }

  /// Finds the text anywhere; its own special characters stand for themselves.
  static func pattern(_ text: String) -> String {
    var pattern = "%"
    for character in text.unicodeScalars {
      if "\\%_".unicodeScalars.contains(character) { pattern += "\\" }
      pattern.unicodeScalars.append(character)
    }
    return pattern + "%"
  }
}

extension JobStatus {
  /// Something may still happen.
  fileprivate var isOpen: Bool { self == .pending || self == .sending }

  /// Some of its SMS ended other than sent, for certain.
  fileprivate var isUnsent: Bool { !isOpen && self != .completed }
}
