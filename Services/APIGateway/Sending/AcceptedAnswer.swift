import Contracts

/// The body of a 202: a superset of what both predecessors answered; or of the answer to what would be one.
struct AcceptedAnswer {
  var message: MessageAccepted
  var rejected: [Submission.Rejected]
  var duplicates: [String]
  var warnings: [Submission.Warning]
  /// The characters that force UCS-2.
  var forcing: [Character]
  var placement: Placement
  var now: Timestamp
  /// False for an estimate, which has no id.
  var isQueued = true

  var body: [UInt8] {
    JSONWriter.object { json in
      let id = isQueued ? message.messageID.description : nil
      json.member("success", true)
      json.member("message", isQueued ? "SMS queued for sending" : "Nothing was queued")
      json.member("message_id", id)
      json.member("queued", isQueued)
      json.member("provider", message.provider)
      json.object("data") { json in
        json.member("id", id)
        json.member("status", JobStatus.pending.rawValue)
        json.member("job_status", JobStatus.pending.rawValue)
        json.member("recipient", message.recipients.count == 1 ? message.recipients[0] : nil)
        json.member("total", message.recipients.count)
        json.member("content", message.content)
        json.member("created_at", message.acceptedAt)
        json.member("send_at", message.sendAt)
        json.member("expires_at", message.expiresAt)
        json.member("class", message.messageClass.rawValue)
        json.member("reference", message.reference)
        json.member("segments", message.segments)
        json.member("encoding", message.encoding)
        json.array("ucs2_characters", forcing) { json, character in json.element(String(character)) }
        writePlacement(&json)
        json.array("rejected", rejected) { json, rejected in
          json.element { json in
            json.member("index", rejected.index)
            json.member("phone", rejected.phone)
            json.member("code", rejected.code)
            json.member("message", rejected.message)
          }
        }
        json.array("duplicates", duplicates) { json, phone in json.element(phone) }
        json.array("warnings", warnings) { json, warning in
          json.element { json in
            if let field = warning.field { json.member("field", field) }
            if let index = warning.index { json.member("index", index) }
            if let phone = warning.phone { json.member("phone", phone) }
            json.member("code", warning.code)
            json.member("message", warning.message)
          }
        }
      }
    }
  }

  private func writePlacement(_ json: inout JSONWriter) {
    json.member("queue_position", placement.position)
    json.member("estimated_start_at", placement.start?.middle)
    json.member("estimated_complete_at", placement.complete?.middle)
    json.member("estimated_wait_seconds", placement.start.map { ($0.middle - now).inSeconds })
    placement.writeSpan(&json)
  }
}
