import Contracts
import Foundation
import Postgres

extension FoldedBatch {
  /// Merges units into `recipients` and carries every move from one state to another over to the counts of `messages`,
  /// with what else is known of them: place, cursor, end and latest reply.
  ///
  /// `moved` sees the table as it was when the statement began, beside what `merged` makes of it, so a fact that changes
  /// no row moves no count: the counts equal the rows after any number of repeats. (Joining what `merged` returns would
  /// leave the planner without an idea of its size.)
  func mergeUnits(in schema: ProjectionSchema) -> PostgresQuery? {
    // The others came with their messages.
    let units = units.filter { !$0.value.isAsAccepted }.map { (id: $0.key, unit: $0.value) }.sorted {
      $0.id.precedes($1.id)
    }
    let states = units.map(\.unit.state)
    let details = units.map(\.unit.detail)
    let marked = messages.filter { $0.value.hasMarks }.map { (id: $0.key, mark: $0.value) }
    guard !units.isEmpty || !marked.isEmpty else { return nil }
    let marks = marked.map(\.mark)
    let replies = marks.map(\.lastReply)
    return """
      WITH told AS (
        SELECT * FROM unnest(
          \(units.map(\.id.messageID.uuid))::uuid[], \(units.map(\.id.index))::int[],
          \(units.map(\.unit.phone))::text[], \(states.map(\.version))::bigint[],
          \(states.map(\.state.rawValue))::text[], \(states.map(\.provider))::text[],
          \(states.map(\.changedAt.date))::timestamptz[], \(details.map { $0?.version })::bigint[],
          \(details.map { $0?.attemptsUsed })::int[], \(details.map { $0?.errorCode })::text[],
          \(details.map { $0?.errorMessage })::text[], \(details.map { $0?.sentAt?.date })::timestamptz[],
          \(units.map(\.unit.resentAfter))::int[]
        ) AS t (message_id, unit_index, phone, version, state, provider, changed_at, detail_version, attempts_used,
          error_code, error_message, sent_at, resent_after)
      ), merged AS (
        INSERT INTO \(schema).recipients AS r (message_id, unit_index, phone, version, state, provider, changed_at,
          detail_version, attempts_used, error_code, error_message, sent_at, resent_after)
        SELECT * FROM told
        ON CONFLICT (message_id, unit_index) DO UPDATE SET
          phone = coalesce(r.phone, excluded.phone),
          version = greatest(r.version, excluded.version),
          state = \(unsafeRaw: newer("version", "state")),
          provider = \(unsafeRaw: newer("version", "provider")),
          changed_at = \(unsafeRaw: newer("version", "changed_at")),
          detail_version = greatest(r.detail_version, excluded.detail_version),
          attempts_used = \(unsafeRaw: newer("detail_version", "attempts_used")),
          error_code = \(unsafeRaw: newer("detail_version", "error_code")),
          error_message = \(unsafeRaw: newer("detail_version", "error_message")),
          sent_at = \(unsafeRaw: newer("detail_version", "sent_at")),
          resent_after = least(r.resent_after, excluded.resent_after)
        WHERE excluded.version > r.version OR excluded.detail_version > coalesce(r.detail_version, -1)
          OR (r.phone IS NULL AND excluded.phone IS NOT NULL)
          OR (excluded.resent_after IS NOT NULL
            AND (r.resent_after IS NULL OR excluded.resent_after < r.resent_after))
      ), moved AS (
        SELECT message_id, \(unsafeRaw: Self.moves), max(changed_at) AS changed_at, max(sent_at) AS sent_at
        FROM (
          SELECT t.message_id, r.state AS old_state,
            CASE WHEN t.version > coalesce(r.version, -1) THEN t.state ELSE r.state END AS new_state,
            CASE WHEN t.version > coalesce(r.version, -1) THEN t.changed_at END AS changed_at,
            CASE WHEN t.detail_version > coalesce(r.detail_version, -1) THEN t.sent_at END AS sent_at
          FROM told t LEFT JOIN \(schema).recipients r USING (message_id, unit_index)
        ) u
        GROUP BY message_id
      ), marked AS (
        SELECT * FROM unnest(
          \(marked.map(\.id.uuid))::uuid[], \(marks.map(\.place?.flowID))::bigint[],
          \(marks.map(\.place?.firstNumber))::bigint[], \(marks.map(\.dispatched))::int[],
          \(marks.map(\.finish?.at.date))::timestamptz[], \(marks.map(\.finish?.text))::text[], \(replies.map { $0?.at.date })::timestamptz[],
          \(replies.map { $0?.index })::int[], \(replies.map { $0?.dispatch })::int[],
          \(replies.map { $0?.status })::int[], \(replies.map { $0?.body })::text[]
        ) AS k (message_id, flow_id, first_number, dispatched, finished_at, told_counts, last_reply_at, last_reply_index,
          last_reply_dispatch, last_reply_status, last_reply_body)
      )
      UPDATE \(schema).messages m SET
        \(unsafeRaw: Self.additions),
        changed_at = greatest(m.changed_at, n.changed_at), sent_at = greatest(m.sent_at, n.sent_at),
        flow_id = coalesce(m.flow_id, n.flow_id), first_number = coalesce(m.first_number, n.first_number),
        dispatched = greatest(m.dispatched, n.dispatched), finished_at = greatest(m.finished_at, n.finished_at),
        told_counts = CASE WHEN n.finished_at >= coalesce(m.finished_at, '-infinity') THEN n.told_counts::int[]
          ELSE m.told_counts END,
        \(unsafeRaw: Self.latestReply)
      FROM (SELECT * FROM moved FULL JOIN marked USING (message_id)) n
      WHERE m.message_id = n.message_id
      """
  }

  /// How many units each state gained or lost.
  private static let moves = UnitState.allCases.map { state in
    """
    count(*) FILTER (WHERE new_state = '\(state.rawValue)') - count(*) FILTER (WHERE old_state = '\(state.rawValue)') \
    AS \(state.rawValue)
    """
  }.joined(separator: ", ")

  private static let additions = UnitState.allCases.map { state in
    "\(state.rawValue) = m.\(state.rawValue) + coalesce(n.\(state.rawValue), 0)"
  }.joined(separator: ", ")

  private static let latestReply = ["at", "index", "dispatch", "status", "body"].map { column in
    """
    last_reply_\(column) = CASE
      WHEN n.last_reply_at IS NULL THEN m.last_reply_\(column)
      WHEN m.last_reply_at IS NULL
        OR (n.last_reply_at, n.last_reply_index, n.last_reply_dispatch)
          > (m.last_reply_at, m.last_reply_index, m.last_reply_dispatch) THEN n.last_reply_\(column)
      ELSE m.last_reply_\(column) END
    """
  }.joined(separator: ", ")

  /// The column's new value: the told one where its version is higher than the stored one.
  private func newer(_ version: String, _ column: String) -> String {
    "CASE WHEN excluded.\(version) > coalesce(r.\(version), -1) THEN excluded.\(column) ELSE r.\(column) END"
  }
}

extension FoldedMessage {
  /// True when it says more than the caller's request.
  fileprivate var hasMarks: Bool { place != nil || dispatched > 0 || finish != nil || lastReply != nil }
}

extension FoldedMessage.Finish {
  /// As PostgreSQL writes an `int[]`.
  fileprivate var text: String { "{\(list.map(String.init).joined(separator: ","))}" }
}

extension UnitID {
  /// The order of the tables' keys.
  func precedes(_ other: UnitID) -> Bool {
    messageID == other.messageID ? index < other.index : messageID < other.messageID
  }
}
