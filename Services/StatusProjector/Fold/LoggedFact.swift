import Contracts

/// One fact that the projector understands.
enum Fact: Sendable {
  case accepted(MessageAccepted)
  case queued(MessagesQueued)
  case finished(MessagesFinished)
  case cancelled(MessagesCancelled)
  case expired(MessagesExpired)
  case paused(MessagesPaused)
  case resumed(MessagesResumed)
  case dispatched(UnitsDispatched)
  case changed(UnitsChanged)
  case providers(ProvidersChanged)
  case queue(QueueChanged)
  case marked(LedgerMarked)
  case counted(LedgerCounted)
  /// Well-formed, but nothing that the read tables show.
  case other
}

/// A fact, and when it was said.
struct LoggedFact: Sendable {
  var at: Timestamp
  var fact: Fact

  init(at: Timestamp, fact: Fact) {
    self.at = at
    self.fact = fact
  }
}
