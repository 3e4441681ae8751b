import Contracts
import Foundation
import Postgres

/// One page of messages.
struct FoundMessages: Sendable {
  var rows: [MessageRow]
  /// Where the list goes on; `nil` at its end.
  var next: PageCursor?
}

/// How many messages a filter lets through.
struct FoundTotal: Sendable, Equatable {
  var count: Int
  /// False when there are, or may be, more than were counted.
  var isExact: Bool
}

extension ReadStore {
  /// Messages that one request looks at, at most, where some are passed over.
  static let window = 5_000
  /// The same where each costs a look at its numbers.
  static let phoneWindow = 1_000
  /// What is counted, at most.
  static let countLimit = 10_000

  /// The page of a list, newest first. Where a filter passes over many, a page may have less than its size, also none,
  /// and go on.
  func messages(_ filter: MessageFilter, _ page: MessagePage, total: FoundTotal?) async throws -> FoundMessages {
    let search = try await search(filter, page.cursor)
    guard search.isPossible else { return FoundMessages(rows: [], next: nil) }
    guard search.isFollowed else { return try await passing(search, page) }
    // Nothing is known of what lies behind what was counted.
    if let total, !total.isExact, page.offset >= total.count { return FoundMessages(rows: [], next: nil) }
    if page.offset > 0 { return try await numbered(search, page, total: total) }
    let rows = try await pool.query(search.newest(MessageRow.columns, limit: page.size + 1)).map(MessageRow.init)
    return FoundMessages(rows, size: page.size)
  }

  /// How many there are; of very many, or where some are passed over, how many there are at least.
  func total(_ filter: MessageFilter) async throws -> FoundTotal {
    let search = try await search(filter, nil)
    guard search.isPossible else { return FoundTotal(count: 0, isExact: true) }
    if search.hasTotals {
      return FoundTotal(count: try await total(of: filter.owner, filter.jobStatuses), isExact: true)
    }
    let limit = search.isFollowed ? Self.countLimit : search.window
    let columns = search.isFollowed ? "m.accepted_at, m.message_id" : "m.*"
    let row = try await pool.query(
      """
      SELECT count(*) AS looked_at, count(*) FILTER (WHERE \(search.isFollowed ? "true" : search.rest)) AS found
      FROM (\(search.newest(columns, limit: limit + 1))) m
      """
    ).first
    guard let row else { return FoundTotal(count: 0, isExact: true) }
    return FoundTotal(
      count: min(try row.decode("found"), limit), isExact: try row.decode("looked_at", as: Int.self) <= limit)
  }

  /// Few messages went to one number, as a rule: then those are looked at and no others.
  private func search(_ filter: MessageFilter, _ cursor: PageCursor?) async throws -> MessageSearch {
    var search = MessageSearch(filter: filter, cursor: cursor)
    guard let phone = filter.phone else { return search }
    let rows = try await pool.query(
      "SELECT message_id FROM projection.recipients_read WHERE phone = \(phone) LIMIT \(Self.phoneWindow + 1)")
    if rows.count <= Self.phoneWindow { search.candidates = try rows.map { try $0.decode("message_id") } }
    return search
  }

  /// Reads so many with the index, and shows what passes.
  private func passing(_ search: MessageSearch, _ page: MessagePage) async throws -> FoundMessages {
    let rows = try await pool.query(
      """
      SELECT \(unsafeRaw: MessageRow.columns) FROM (\(search.newest("m.*", limit: search.window))) m
      WHERE \(search.rest)
      ORDER BY m.accepted_at DESC, m.message_id DESC LIMIT \(page.size + 1) OFFSET \(page.offset)
      """
    ).map(MessageRow.init)
    var found = FoundMessages(rows, size: page.size)
    if found.next == nil, search.candidates == nil { found.next = try await end(of: search) }
    return found
  }

  /// The last message that was looked at, when there are more behind it.
  func end(of search: MessageSearch) async throws -> PageCursor? {
    try await pool.query(
      """
      SELECT accepted_at, message_id FROM (\(search.newest("m.accepted_at, m.message_id", limit: search.window))) m
      ORDER BY accepted_at DESC, message_id DESC OFFSET \(search.window - 1)
      """
    ).first.map { row in
      PageCursor(
        acceptedAt: Timestamp(try row.decode("accepted_at", as: Date.self)),
        messageID: MessageID(try row.decode("message_id", as: UUID.self)))
    }
  }

  /// A page far behind: what is before it is counted off in the index alone, from the end that is nearer.
  private func numbered(_ search: MessageSearch, _ page: MessagePage, total: FoundTotal?) async throws -> FoundMessages
  {
    let keys = "m.accepted_at, m.message_id"
    var part: PostgresQuery = """
      SELECT * FROM (\(search.newest(keys, limit: page.offset + page.size + 1))) n
      ORDER BY accepted_at DESC, message_id DESC OFFSET \(page.offset)
      """
    var hasMore: Bool?
    if let total, total.isExact, page.offset > total.count / 2 {
      // Counted from the oldest: the last of the page comes first.
      let before = max(0, total.count - page.offset - page.size)
      let count = min(page.size, total.count - page.offset)
      guard count > 0 else { return FoundMessages(rows: [], next: nil) }
      part = """
        SELECT * FROM (\(search.newest(keys, limit: before + count, isReversed: true))) n
        ORDER BY accepted_at ASC, message_id ASC OFFSET \(before)
        """
      hasMore = before > 0
    }
    let rows = try await pool.query(
      """
      SELECT \(unsafeRaw: MessageRow.columns)
      FROM (\(part)) k (key_time, message_id) JOIN projection.messages_read m USING (message_id)
      ORDER BY key_time DESC, message_id DESC
      """
    ).map(MessageRow.init)
    guard let hasMore else { return FoundMessages(rows, size: page.size) }
    return FoundMessages(rows: rows, next: hasMore ? rows.last.map(PageCursor.init) : nil)
  }
}

extension MessageSearch {
  /// How many messages are looked at.
  var window: Int {
    (filter.phone != nil || filter.phonePart != nil) && candidates == nil ? ReadStore.phoneWindow : ReadStore.window
  }
}

extension FoundMessages {
  /// - Parameter rows: One more than the page's size when there are more.
  fileprivate init(_ rows: [MessageRow], size: Int) {
    self.rows = Array(rows.prefix(size))
    next = rows.count > size ? self.rows.last.map(PageCursor.init) : nil
  }
}

extension PageCursor {
  init(_ row: MessageRow) { self.init(acceptedAt: row.acceptedAt, messageID: row.messageID) }
}
