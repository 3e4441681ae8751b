/// What may still happen to a letter; `docs/architecture.md` has the whole life.
enum LetterStatus: String, Sendable, CaseIterable {
  /// Waits for somebody to decide.
  case pending
  /// Its SMS is on its way again.
  case replaying
  /// Its SMS was sent after all, or went back to the queue for good; of a poison message: returned.
  case retried
  /// Given up; of a poison message: dropped.
  case abandoned
  /// It is known by now whether the SMS went out.
  case settled
}
