import Contracts

extension LetterRow {
  /// - Parameter username: Of its user, if known.
  func write(_ json: inout JSONWriter, username: String?) {
    json.member("id", id.description)
    json.member("status", status.rawValue)
    json.member("error_type", errorType)
    json.member("error_message", errorMessage)
    json.member("message_id", unit?.messageID.description)
    json.member("recipient_index", unit?.index)
    json.member("phone", phone)
    json.member("content", content)
    json.member("segments", segments)
    json.member("class", messageClass)
    json.member("reference", reference)
    json.member("user_id", userID?.description)
    json.member("username", username)
    json.member("provider", provider)
    json.member("pinned_provider", pinnedProvider)
    json.member("sms_status", unitState?.rawValue)
    json.member("retry_count", isPoison ? nil : retryCount)
    json.member("max_attempts", isPoison ? nil : maxAttempts)
    json.member("replay_count", isPoison ? nil : replayCount)
    json.member("replay_id", replayID?.description)
    json.array("attempts", attempts.enumerated()) { json, attempt in
      json.element { json in Self.write(attempt.element, number: attempt.offset + 1, &json) }
    }
    json.member("created_at", createdAt)
    json.member("last_attempt_at", lastAttemptAt)
    json.member("close_reason", closeReason)
    json.member("closed_at", closedAt)
    json.member("queue", queue)
    json.member("times", times)
  }

  /// - Parameter number: From 1, the first try of all.
  private static func write(_ attempt: UnitsDead.Attempt, number: Int, _ json: inout JSONWriter) {
    json.member("attempt", number)
    json.member("dispatch", attempt.dispatch)
    json.member("provider", attempt.provider)
    json.member("outcome", attempt.outcome.rawValue)
    json.member("status_code", attempt.reply?.status)
    json.member("response_data", attempt.reply?.body)
    json.member("error_code", attempt.errorCode)
    json.member("started_at", attempt.startedAt)
    json.member("finished_at", attempt.finishedAt)
  }
}
