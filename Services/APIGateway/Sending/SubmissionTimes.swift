import Contracts

/// When a message may go out, as its sender wants it.
struct SubmissionTimes: Sendable, Equatable {
  /// How far ahead `send_at` may lie, and how far behind it the expiry.
  static let limit = Duration.seconds(365 * 24 * 3600)

  /// Not sent before; `nil` for at once.
  var sendAt: Timestamp?
  /// What has not been sent by then expires.
  var expiresAt: Timestamp?

  /// What is said of times that are taken all the same.
  static func warnings(_ draft: SubmissionDraft, now: Timestamp) -> [Submission.Warning] {
    guard let sendAt = draft.sendAt, sendAt <= now else { return [] }
    return [.init(field: "send_at", code: "in_the_past", message: "The time has passed; the message goes at once.")]
  }

  /// Reads what a draft asks for; a time to send that has passed means at once.
  /// - Returns: The times, and everything that is wrong with them.
  static func check(_ draft: SubmissionDraft, now: Timestamp) -> (times: SubmissionTimes, problems: [APIError.Detail]) {
    var times = SubmissionTimes()
    var problems: [APIError.Detail] = []
    if let sendAt = draft.sendAt, sendAt > now {
      times.sendAt = sendAt
      if sendAt > now + limit { problems.append(.init("send_at", "too_late", "Must be at most 365 days ahead")) }
    }
    let start = times.sendAt ?? now
    switch draft.expiry {
    case nil:
      if draft.rejectsLate {
        problems.append(.init("reject_if_late", "no_expiry", "Needs expires_at or validity_seconds"))
      }
    case .seconds(let seconds): times.expiresAt = start + .seconds(seconds)
    case .time(let expiresAt):
      times.expiresAt = expiresAt
      if expiresAt <= now {
        problems.append(.init("expires_at", "in_the_past", "Must lie in the future"))
      } else if expiresAt <= start {
        problems.append(.init("expires_at", "before_send_at", "Must lie after send_at"))
      } else if expiresAt > start + limit {
        problems.append(.init("expires_at", "too_late", "Must be at most 365 days after the sending"))
      }
    }
    return (times, problems)
  }
}
