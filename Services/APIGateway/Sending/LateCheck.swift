import Contracts

/// Whether a message that is worth nothing when it is late would be.
enum LateCheck {
  /// - Throws: `WOULD_EXPIRE` when the last SMS is estimated to go out after the expiry. What is not known is let through.
  static func check(_ draft: SubmissionDraft, expiresAt: Timestamp?, placement: () -> Placement) throws {
    guard draft.rejectsLate, let expiry = draft.expiry, let expiresAt, let complete = placement().complete?.middle,
      complete > expiresAt
    else { return }
    var detail = APIError.Detail(
      expiry.field, "would_expire", "It would go out at about \(complete) and expires at \(expiresAt)")
    detail.completeAt = complete
    throw APIError(.wouldExpire, "It would not go out before it expires", details: [detail])
  }
}
