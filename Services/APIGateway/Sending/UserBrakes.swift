import Contracts

/// What an admin allows a user, put upon what they ask for.
struct UserBrakes: Sendable {
  var limits: UserLimits

  /// What they asked for, within what they may: a class they did not name is lowered, and only allowed providers carry it.
  /// - Throws: `FORBIDDEN` that names the field, for what they named themselves and may not use.
  func applied(
    to submission: Submission, of draft: SubmissionDraft, isProvider: (String) -> Bool
  ) throws -> Submission {
    var submission = submission
    if let highest = limits.maxClass, submission.messageClass.isAbove(highest) {
      guard draft.messageClass == nil else {
        throw Self.forbidden("class", "class_not_allowed", "You may use \(highest.rawValue) at the most")
      }
      submission.messageClass = highest
    }
    guard let allowed = limits.providers else { return submission }
    if let pinned = submission.provider {
      guard allowed.contains(pinned) else {
        throw Self.forbidden("provider", "provider_not_allowed", "You may not use this provider")
      }
      return submission
    }
    let usable = allowed.filter(isProvider)
    guard let first = usable.first else {
      throw Self.forbidden(
        "provider", "no_provider_allowed", "None of the providers that you may use is there any more")
    }
    if usable.count == 1 { submission.provider = first } else { submission.providers = usable.sorted() }
    return submission
  }

  private static func forbidden(_ field: String, _ code: String, _ message: String) -> APIError {
    APIError(.forbidden, message, details: [.init(field, code, message)])
  }
}

extension MessageClass {
  /// True when it goes before the other.
  fileprivate func isAbove(_ other: MessageClass) -> Bool { weight > other.weight }
}
