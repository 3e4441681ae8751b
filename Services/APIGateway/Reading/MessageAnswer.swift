import Contracts
import Metering

/// One message as `GET /api/sms/{id}` and the lists show it.
struct MessageAnswer {
  var row: MessageRow
  var outlook: QueueOutlook
  var now: Timestamp

  func write(_ json: inout JSONWriter) {
    let placement = row.placement(in: outlook, now: now)
    let waitingFor = WaitingReason(row, placement: placement, in: outlook, now: now)
    let estimated = row.estimated(placement, in: outlook, now: now)
    json.member("id", row.messageID.description)
    json.member("content", row.content)
    json.member("status", CoarseStatus(row.jobStatus).rawValue)
    json.member("job_status", row.jobStatus.rawValue)
    json.member("paused", row.isPaused)
    json.member("class", row.messageClass.rawValue)
    json.member("reference", row.reference)
    json.member("provider", row.provider)
    json.member("created_at", row.acceptedAt)
    json.member("send_at", row.sendAt)
    json.member("expires_at", row.expiresAt)
    json.member("sent_at", row.sentAt)
    json.member("completed_at", row.completedAt)
    json.member("recipient_count", row.recipientCount)
    json.member("success_count", row.counts.sent)
    json.member("failed_count", row.counts.failed + row.counts.dead + row.counts.expired)
    json.object("counts") { json in Self.write(row.counts, &json) }
    json.member("segments", row.segments)
    json.member("queue_position", estimated.position)
    json.member("estimated_start_at", estimated.start?.middle)
    json.member("estimated_complete_at", estimated.complete?.middle)
    estimated.writeSpan(&json)
    json.member("waiting_for", waitingFor?.rawValue)
    json.member("hkt_response", row.lastReplyBody)
  }

  static func write(_ counts: UnitCounts, _ json: inout JSONWriter) {
    json.member("pending", counts.pending)
    json.member("sending", counts.sending)
    json.member("retrying", counts.retrying)
    json.member("sent", counts.sent)
    json.member("failed", counts.failed)
    json.member("dead", counts.dead)
    json.member("expired", counts.expired)
    json.member("cancelled", counts.cancelled)
    json.member("unconfirmed", counts.unconfirmed)
  }
}
