/// Every kind of broker message. The raw value is its `type` and, but for `send`, its routing key.
public enum MessageType: String, Codable, Sendable, CaseIterable, Hashable {
  // Facts, on `sluice.events`.
  case messageAccepted = "message.accepted"
  case messageQueued = "message.queued"
  case messageCancelled = "message.cancelled"
  case messagePaused = "message.paused"
  case messageResumed = "message.resumed"
  case messageExpired = "message.expired"
  case messageFinished = "message.finished"
  case unitDispatched = "unit.dispatched"
  case unitChanged = "unit.changed"
  case unitDead = "unit.dead"
  case letterOpened = "letter.opened"
  case letterClosed = "letter.closed"
  case letterFinished = "letter.finished"
  case providerChanged = "provider.changed"
  case queueChanged = "queue.changed"
  case ledgerMarked = "ledger.marked"
  case ledgerCounted = "ledger.counted"
  case userChanged = "user.changed"
  case commandAnswered = "command.answered"

  // Commands, on `sluice.commands`.
  case send
  case messageCancel = "message.cancel"
  case messagePause = "message.pause"
  case messageResume = "message.resume"
  case messageRetryFailed = "message.retry_failed"
  case unitReplay = "unit.replay"
  case unitSettle = "unit.settle"
  case replayCancel = "replay.cancel"
  case providerSet = "provider.set"
  case providerReset = "provider.reset"
  case sendingStop = "sending.stop"
  case sendingGo = "sending.go"
  case deadLetterReplay = "dead_letter.replay"
  case deadLetterCancel = "dead_letter.cancel"
  case deadLetterAbandon = "dead_letter.abandon"
  case deadLetterSettle = "dead_letter.settle"
  case poisonReturn = "poison.return"
  case poisonDrop = "poison.drop"

  // Reports to the scheduler alone, on `sluice.commands`.
  case attemptOutcome = "attempt.outcome"
  case sendExpired = "send.expired"
}
