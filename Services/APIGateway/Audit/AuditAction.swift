/// What the audit keeps, by the name that it is filtered by.
enum AuditAction: String, Sendable, CaseIterable {
  case login = "auth.login"
  case logout = "auth.logout"
  case ownPassword = "auth.password"
  case ownTokenCreate = "auth.token_create"
  case ownTokenRevoke = "auth.token_revoke"
  case userCreate = "user.create"
  case userUpdate = "user.update"
  case userDelete = "user.delete"
  case userPause = "user.pause"
  case userResume = "user.resume"
  case userCancelAll = "user.cancel_all"
  case tokenCreate = "token.create"
  case tokenRevoke = "token.revoke"
  case sendingStop = "sending.stop"
  case sendingGo = "sending.go"
  case providerUpdate = "provider.update"
  case healthReset = "provider.health_reset"
  case distributionReset = "distribution.reset"
  /// Of another user's message.
  case messageCancel = "message.cancel"
  case messagePause = "message.pause"
  case messageResume = "message.resume"
  case messageRetryFailed = "message.retry_failed"
  /// Of everybody's messages, as a table.
  case messagesExport = "messages.export"
  case letterReplay = "dead_letter.replay"
  case letterAbandon = "dead_letter.abandon"
  case letterSettle = "dead_letter.settle"
  /// Of many at a time.
  case lettersReplay = "dead_letters.replay"
  case lettersAbandon = "dead_letters.abandon"
  case lettersSettle = "dead_letters.settle"
  case replayCancel = "replay.cancel"

  /// True for what everybody does to themselves, which is kept of all.
  var isAboutOneself: Bool {
    [.login, .logout, .ownPassword, .ownTokenCreate, .ownTokenRevoke].contains(self)
  }

  /// What it is done to.
  var subject: String? {
    switch self {
    case .login, .logout, .ownPassword, .ownTokenCreate, .ownTokenRevoke, .userCreate, .userUpdate, .userDelete,
      .userPause, .userResume, .userCancelAll, .tokenCreate,
      .tokenRevoke:
      "user"
    case .providerUpdate, .healthReset: "provider"
    case .messageCancel, .messagePause, .messageResume, .messageRetryFailed: "message"
    case .letterReplay, .letterAbandon, .letterSettle: "letter"
    case .replayCancel: "replay"
    case .sendingStop, .sendingGo, .distributionReset, .messagesExport, .lettersReplay, .lettersAbandon, .lettersSettle:
      nil
    }
  }
}
