import Contracts

/// Which SMS a list shows.
struct RequestFilter: Sendable {
  static let parameters: Set<String> = ["status", "provider", "from", "to", "limit", "cursor"]

  var owner: UserID
  var state: UnitState?
  /// The one that it was given to last.
  var provider: String?
  var from: Timestamp?
  var to: Timestamp?
  var cursor: PageCursor?
  var size: Int

  init(_ query: Query, owner: UserID) throws {
    self.owner = owner
    state = try query.choice("status")
    provider = query.string("provider")
    from = try query.time("from")
    to = try query.timeEnd("to")
    cursor = try PageCursor.given(query, ofUnits: true)
    size = try query.int("limit", in: 1...200, default: 50)
  }

  /// The messages among which such SMS are.
  var messages: MessageSearch {
    var filter = MessageFilter(owner: owner)
    filter.from = from
    filter.to = to
    switch state {
    case .pending: filter.jobStatuses = [.pending, .sending]
    case .sending, .retrying: filter.jobStatuses = [.sending]
    case nil, .sent, .failed, .dead, .expired, .cancelled, .unconfirmed: break
    }
    return MessageSearch(filter: filter, cursor: cursor, isUnsent: isUnsent)
  }

  /// Only messages are looked at of which something ended other than sent.
  private var isUnsent: Bool {
    switch state {
    case .failed, .dead, .expired, .cancelled, .unconfirmed: true
    case nil, .pending, .sending, .retrying, .sent: false
    }
  }
}
