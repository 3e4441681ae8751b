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

  /// Writes the callers' requests; the first one told stays.
  func acceptMessages(in schema: ProjectionSchema) -> PostgresQuery? {
    let accepted = messages.compactMap { id, message in message.request.map { (id: id, request: $0) } }
      .sorted { $0.id < $1.id }
    guard !accepted.isEmpty else { return nil }
    let requests = accepted.map(\.request)
    return """
      INSERT INTO \(schema).messages AS m (message_id, user_id, class, content, reference, provider, segments, encoding,
        recipient_count, first_phone, accepted_at, send_at, expires_at)
      SELECT * FROM unnest(
        \(accepted.map(\.id.uuid))::uuid[], \(requests.map(\.userID.uuid))::uuid[],
        \(requests.map(\.messageClass.rawValue))::text[], \(requests.map(\.content))::text[],
        \(requests.map(\.reference))::text[], \(requests.map(\.provider))::text[], \(requests.map(\.segments))::int[],
        \(requests.map(\.encoding))::text[], \(requests.map(\.recipientCount))::int[],
        \(requests.map(\.firstPhone))::text[], \(requests.map(\.acceptedAt.date))::timestamptz[],
        \(requests.map(\.sendAt?.date))::timestamptz[], \(requests.map(\.expiresAt?.date))::timestamptz[])
      ON CONFLICT (message_id) DO UPDATE SET
        user_id = excluded.user_id, class = excluded.class, content = excluded.content, reference = excluded.reference,
        provider = excluded.provider, segments = excluded.segments, encoding = excluded.encoding,
        recipient_count = excluded.recipient_count, first_phone = excluded.first_phone,
        accepted_at = excluded.accepted_at, send_at = excluded.send_at, expires_at = excluded.expires_at
      WHERE m.accepted_at IS NULL
      """
  }
}
