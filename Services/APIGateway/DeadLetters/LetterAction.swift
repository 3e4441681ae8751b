import Contracts

/// What an admin can want of a letter.
enum LetterAction: Sendable, Equatable {
  /// Send it again; of a poison message: return it to its queue.
  case replay
  /// Give it up; of a poison message: drop it.
  case abandon
  /// Say whether it went out.
  case settle(DeadLetterSettle.Verdict)

  /// What is to be done with a letter as it is.
  enum Step {
    case apply
    /// Somebody was first; nothing is to be done.
    case already(String)
    case refuse(APIError)
  }

  /// The SMS that it applies to among a selection; `nil` for all.
  func unitState(of selection: LetterSelection) -> UnitState? {
    switch self {
    case .replay: selection.replayedState
    case .abandon: .dead
    case .settle: .unconfirmed
    }
  }

  /// The command that does it with letters of SMS.
  func command(for selection: LetterSelection, _ options: ReplayOptions, actor: LetterActor) -> any Payload {
    switch self {
    case .replay:
      DeadLetterReplay(
        selection: selection, messageClass: options.messageClass, provider: options.provider,
        expiresAt: options.expiresAt, actor: actor)
    case .abandon: DeadLetterAbandon(selection: selection, actor: actor)
    case .settle(let verdict): DeadLetterSettle(selection: selection, verdict: verdict, actor: actor)
    }
  }

  func step(for letter: LetterRow) -> Step {
    letter.isPoison ? step(forPoison: letter.status) : step(letter.status, letter.unitState)
  }

  /// What the letter is when it was done.
  func outcome(for letter: LetterRow) -> LetterStatus {
    switch self {
    case .replay: letter.isPoison ? .retried : .replaying
    case .abandon: .abandoned
    case .settle: .settled
    }
  }

  private func step(_ status: LetterStatus, _ unit: UnitState?) -> Step {
    switch (self, status) {
    case (.replay, .pending): .apply
    case (.replay, .replaying): .already("It is on its way again already; nothing was done")
    case (.replay, .retried): .already("It went again already; nothing was done")
    case (.abandon, .pending) where unit == .unconfirmed:
      Self.refuse(.unconfirmed, "Nobody knows whether the SMS went out: settle it as sent or failed")
    case (.abandon, .pending): .apply
    case (.abandon, .abandoned): .already("It was given up already; nothing was done")
    case (.settle, .pending) where unit == .dead:
      Self.refuse(.dead, "The SMS was certainly not sent: abandon or replay it")
    case (.settle, .pending): .apply
    case (.settle(let verdict), .settled) where unit?.rawValue == verdict.rawValue:
      .already("It was settled so already; nothing was done")
    case (.abandon, .replaying), (.settle, .replaying):
      Self.refuse(status, "It is on its way again: cancel the replay first")
    case (_, .retried): Self.refuse(status, "The SMS went again")
    case (_, .abandoned): Self.refuse(status, "It was given up")
    case (_, .settled): Self.refuse(status, "It was settled: the SMS is \(unit?.rawValue ?? "final")")
    }
  }

  private func step(forPoison status: LetterStatus) -> Step {
    switch (self, status) {
    case (.settle, _):
      .refuse(.conflict(LetterRow.poison, "A broker message is no SMS: replay or abandon it"))
    case (.replay, .pending), (.abandon, .pending): .apply
    case (.replay, .retried): .already("It went back to its queue already; nothing was done")
    case (.abandon, .abandoned): .already("It was dropped already; nothing was done")
    case (.replay, _), (.abandon, _):
      Self.refuse(status, status == .abandoned ? "It was dropped" : "It went back to its queue")
    }
  }

  private static func refuse(_ status: LetterStatus, _ message: String) -> Step {
    .refuse(.conflict(status.rawValue, message))
  }

  private static func refuse(_ state: UnitState, _ message: String) -> Step {
    .refuse(.conflict(state.rawValue, message))
  }
}
