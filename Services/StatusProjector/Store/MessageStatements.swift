import Contracts
import Foundation
import Postgres

extension FoldedBatch {
  /// Every message that the batch says something about, in the order of the key.
  var messageIDs: [MessageID] {
    var ids = Set(messages.keys)
    for unit in units.keys { ids.insert(unit.messageID) }
    for cut in cuts.values { ids.formUnion(cut.keys) }
    for case .message(let id) in pauses.keys { ids.insert(id) }
    return ids.sorted()
  }

  /// Makes the rows that are missing, so that every later statement finds one; `nil` when nothing is said of messages.
  func openMessages(in schema: ProjectionSchema) -> PostgresQuery? {
    let ids = messageIDs.filter { messages[$0]?.request == nil }
    guard !ids.isEmpty else { return nil }
    return """
      INSERT INTO \(schema).messages (message_id)
      SELECT * FROM unnest(\(ids.map(\.uuid))::uuid[])
      ON CONFLICT DO NOTHING
      """
  }

  /// Writes the callers' requests, with the recipients of which nothing else is known yet and their count: one version of
  /// each row where a message is new. Of several requests the first one told stays.
  ///
  /// `counted` sees the table as it was when the statement began: what it finds there is counted already.
  func acceptMessages(in schema: ProjectionSchema) -> PostgresQuery? {
    let accepted = messages.compactMap { id, message in message.request.map { (id: id, request: $0) } }
      .sorted { $0.id < $1.id }
    guard !accepted.isEmpty else { return nil }
    let requests = accepted.map(\.request)
    let units = units.filter(\.value.isAsAccepted).sorted { $0.key.precedes($1.key) }
    return """
      WITH told AS (
        SELECT * FROM unnest(
          \(units.map(\.key.messageID.uuid))::uuid[], \(units.map(\.key.index))::int[],
          \(units.map(\.value.phone))::text[], \(units.map(\.value.state.changedAt.date))::timestamptz[]
        ) AS t (message_id, unit_index, phone, changed_at)
      ), merged AS (
        INSERT INTO \(schema).recipients AS r (message_id, unit_index, phone, version, state, changed_at)
        SELECT message_id, unit_index, phone, 0, 'pending', changed_at FROM told
        ON CONFLICT (message_id, unit_index) DO UPDATE SET phone = excluded.phone WHERE r.phone IS NULL
      ), counted AS (
        SELECT t.message_id, count(*) AS pending, max(t.changed_at) AS changed_at
        FROM told t LEFT JOIN \(schema).recipients r USING (message_id, unit_index)
        WHERE r.message_id IS NULL GROUP BY t.message_id
      )
      INSERT INTO \(schema).messages AS m (message_id, \(unsafeRaw: Self.requestColumns.joined(separator: ", ")), pending,
        changed_at)
      SELECT a.message_id, \(unsafeRaw: Self.givenColumns), coalesce(c.pending, 0), c.changed_at
      FROM unnest(
        \(accepted.map(\.id.uuid))::uuid[], \(requests.map(\.userID.uuid))::uuid[],
        \(requests.map(\.messageClass.rawValue))::text[], \(requests.map(\.content))::text[],
        \(requests.map(\.reference))::text[], \(requests.map(\.provider))::text[], \(requests.map(\.segments))::int[],
        \(requests.map(\.encoding))::text[], \(requests.map(\.recipientCount))::int[],
        \(requests.map(\.firstPhone))::text[], \(requests.map(\.acceptedAt.date))::timestamptz[],
        \(requests.map(\.sendAt?.date))::timestamptz[], \(requests.map(\.expiresAt?.date))::timestamptz[],
        \(requests.map(\.providers))::text[]
      ) AS a (message_id, \(unsafeRaw: Self.requestColumns.joined(separator: ", ")))
      LEFT JOIN counted c ON c.message_id = a.message_id
      ON CONFLICT (message_id) DO UPDATE SET
        \(unsafeRaw: Self.firstRequest), pending = m.pending + excluded.pending,
        changed_at = greatest(m.changed_at, excluded.changed_at)
      WHERE m.accepted_at IS NULL OR excluded.pending > 0
      """
  }

  private static let requestColumns = [
    "user_id", "class", "content", "reference", "provider", "segments", "encoding", "recipient_count", "first_phone",
    "accepted_at", "send_at", "expires_at", "providers",
  ]
  /// The same as the statement gives them: a set of providers comes as one text.
  private static let givenColumns = requestColumns.map { column in
    column == "providers" ? "string_to_array(a.providers, ',')" : "a.\(column)"
  }.joined(separator: ", ")
  private static let firstRequest = requestColumns.map { column in
    "\(column) = CASE WHEN m.accepted_at IS NULL THEN excluded.\(column) ELSE m.\(column) END"
  }.joined(separator: ", ")
}

extension FoldedUnit {
  /// True when nothing is known of it but that the caller asked for it.
  var isAsAccepted: Bool {
    phone != nil && state.version == UnitVersion.of(dispatch: 0, state: .pending) && state.provider == nil
      && detail == nil && resentAfter == nil
  }
}
