import Contracts

/// Whether a message that is worth nothing when it is late would be.
enum LateCheck {
  /// What is not known is let through.
  /// - Throws: `WOULD_EXPIRE` when the last SMS is estimated to go out after the expiry, or when nothing of it goes out before
  ///   somebody lets it.
  static func check(_ draft: SubmissionDraft, _ message: MessageAccepted, in queue: QueueView, now: Timestamp) throws {
    guard draft.rejectsLate, let expiry = draft.expiry, let expiresAt = message.expiresAt else { return }
    if message.sendAt == nil, let standstill = queue.standstill(of: message, now: now) {
      throw refusal(expiry.field, "\(standstill.sentence), and nobody knows for how long; it expires at \(expiresAt)")
    }
    guard let complete = queue.estimate(message, now: now).complete?.middle, complete > expiresAt else { return }
    throw refusal(
      expiry.field, "It would go out at about \(complete) and expires at \(expiresAt)", completeAt: complete)
  }

  private static func refusal(_ field: String, _ message: String, completeAt: Timestamp? = nil) -> APIError {
    var detail = APIError.Detail(field, "would_expire", message)
    detail.completeAt = completeAt
    return APIError(.wouldExpire, "It would not go out before it expires", details: [detail])
  }
}
