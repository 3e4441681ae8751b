import Contracts

/// What a request came to, in words.
struct RequestReport {
  /// What was done, or is under way.
  var text: String
  /// Why nothing was done; `nil` when something was.
  var refusal: String?

  /// - Parameters:
  ///   - results: How many of its letters have each result so far.
  ///   - replay: Of a cancellation: the replay.
  init(_ request: StoredRequest, results: [String: Int], replay: CancelledReplay? = nil) {
    let refused = results.filter { $0.key.hasPrefix(RequestResults.refusal) }
    let reasons = refused.map {
      "\($0.value): \(Self.sentence(String($0.key.dropFirst(RequestResults.refusal.count))))"
    }
    .sorted().joined(separator: "; ")
    let refusedCount = refused.values.reduce(0, +)
    let unable = request.kind == .cancel ? 0 : request.refused - (request.kind == .replay ? 0 : refusedCount)
    let applied = request.kind == .replay ? request.letters - refusedCount : request.letters
    if request.letters == 0, refusedCount == 0, let reason = request.refusal {
      (text, refusal) = ("", Self.sentence(reason) + (replay?.details(reason) ?? ""))
    } else if applied == 0, refusedCount > 0 {
      (text, refusal) = ("", "nothing was done; \(reasons)")
    } else {
      var text = Self.done(request, applied: applied)
      if refusedCount > 0 { text += "; not done, \(reasons)" }
      if unable > 0 { text += "; \(unable) not pending, or of SMS in another state" }
      if !request.isAnswered { text += "; the scheduler has not answered yet" }
      (self.text, refusal) = (text, nil)
    }
  }

  private static func done(_ request: StoredRequest, applied: Int) -> String {
    switch request.kind {
    case .replay:
      if let running = request.replayID { return "an equal replay runs already: \(running)" }
      if applied == 0 { return "there is nothing to replay" }
      return "replay \(request.id): \(applied) letters, \(request.segments) segments"
    case .abandon: return request.isAnswered ? "\(applied) letters abandoned" : "\(applied) letters to abandon"
    case .settle: return request.isAnswered ? "\(applied) letters settled" : "\(applied) letters to settle"
    case .cancel:
      return request.isAnswered
        ? "\(applied) letters taken back, \(request.refused) SMS go nevertheless" : "the replay is cancelled"
    case .return: return request.isAnswered ? "given back to its queue" : "to be given back to its queue"
    case .drop: return "dropped"
    }
  }

  static func sentence(_ reason: String) -> String {
    switch reason {
    case "not_found": "there is nothing with this id"
    case "poison": "it is a broker message, no letter: return or drop it"
    case "timeout": "it takes too long: choose fewer"
    case "came_again": "it came once more before it lay in its queue, and waits again"
    case "not_pending": "it is not pending: somebody was there before, or it is over"
    case "wrong_state": "the SMS is not in a state for this: dead ones are abandoned, unconfirmed ones settled"
    case "nothing_to_cancel": "nothing of the replay is left to take back"
    case "already_cancelled": "the replay was cancelled already"
    case "no_queue": "the queue it came from takes nothing back"
    case "expired": "--expires-at is over"
    case "too_old": "the scheduler has dropped the SMS by its age, and it may have been sent since"
    case "unknown_provider": "there is no provider of this name any more"
    case "provider_not_allowed": "the message may not go by this provider"
    case "cancelled": "the replay was cancelled before the scheduler had it"
    case "cancelling": "its message is being cancelled"
    case "too_many": "too many at once"
    case "empty": "no letter is named"
    case "invalid_limit": "--limit must be at least 1"
    case "invalid_body": "--body is no message for its queue"
    default: "refused: \(reason)"
    }
  }
}

/// A replay that somebody wants to cancel.
struct CancelledReplay: Sendable {
  /// Who cancelled it first; `nil` where nobody has.
  var actor: String?
  var at: Timestamp?
  /// How many of its letters have each result.
  var results: [String: Int]

  /// What goes with the reason why nothing was done.
  fileprivate func details(_ reason: String) -> String {
    if reason == LetterRequests.alreadyCancelled, let actor, let at { return ", by \(actor) at \(at)" }
    if reason == RequestResults.nothingToCancel, !results.isEmpty {
      return ": " + results.map { "\($0.value) \($0.key)" }.sorted().joined(separator: ", ")
    }
    return ""
  }
}
