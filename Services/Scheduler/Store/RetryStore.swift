import Contracts
import Foundation
import Metering
import Postgres

/// Sends the failed, dead and expired units of a message again on its user's word, in steps that survive any crash.
///
/// A step takes a bounded number of units, so the leader's loop dispatches between two of them. The units that have gone
/// again and failed once more meanwhile are not looked at twice.
struct RetryStore: Sendable {
  /// Units in one step.
  static let batchSize = 250

  var term: LeaderTerm

  /// A command that sends units again, under way.
  struct Retry: Sendable {
    var command: MessageCommand
    var message: MessageID
    /// Units from this index on have been looked at.
    var nextIndex: Int
    /// Units that go again so far.
    var count = 0
    /// The message was cancelled when the command began, and what is in flight of it still ends as cancelled.
    var wasCancelled = false
    var isDone = false
  }

  /// Writes a command down.
  /// - Returns: `nil` when there is nothing to do: it has been carried out before, is refused, or its message is not
  ///   known yet.
  func begin(_ command: MessageCommand, _ id: MessageID) async throws -> (retry: Retry?, outbox: [OutboxEntry]) {
    try await term.transaction { connection, now in
      let known = try await connection.query(
        "SELECT * FROM scheduler.retries WHERE command_id = \(command.id.uuid)"
      ).first
      if let known {
        let retry = try Self.retry(known)
        return (retry.isDone ? nil : retry, [])
      }
      guard try await CommandStore.isNew(command.id, connection, now) else { return (nil, []) }
      let store = MessageStore(connection: connection, now: now)
      guard let message = try await store.lock([id]).first else {
        try await CommandStore.keep(command, until: id, store)
        return (nil, [])
      }
      // Text and numbers of an old message are gone; what is dead of it lies in the letters.
      guard message.form == .whole else {
        var facts = Outbox.Draft()
        try facts.add(command.answer(counts: nil, refusal: "too_old"), at: now, requestID: command.requestID)
        return (nil, try await Outbox.insert(facts, connection))
      }
      let retry = Retry(
        command: command, message: id, nextIndex: message.entry.span.total,
        wasCancelled: message.ended == .cancelled && message.counts.sending > 0)
      try await connection.query(
        """
        INSERT INTO scheduler.retries (command_id, message_id, body, next_index, was_cancelled, begun_at)
        VALUES (\(command.id.uuid), \(id.uuid), \(command.text), \(retry.nextIndex), \(retry.wasCancelled),
          \(now.date))
        """)
      return (retry, [])
    }
  }

  /// Commands that an earlier leader did not finish.
  func open() async throws -> [Retry] {
    try await term.transaction { connection, _ in
      try await connection.query("SELECT * FROM scheduler.retries WHERE done_at IS NULL ORDER BY begun_at")
        .map(Self.retry)
    }
  }

  /// What one step did.
  struct Step: Sendable {
    var changes = MessageStore.Changes()
    var outbox: [OutboxEntry] = []
    var retry: Retry
  }

  /// Sends the next units again; when none is left, the command is answered.
  func step(_ retry: Retry) async throws -> Step {
    try await term.transaction { connection, now in
      var step = Step(retry: retry)
      var facts = Outbox.Draft()
      let store = MessageStore(connection: connection, now: now)
      if let message = try await store.lock([retry.message]).first, Self.goesOn(retry, message) {
        let done = try await store.retry(
          message, before: retry.nextIndex, limit: Self.batchSize, isFirst: retry.count == 0, facts: &facts)
        step.retry.count += done.count
        step.retry.nextIndex = done.nextIndex
        step.retry.isDone = done.isDone
        step.changes = done.changes
      } else {
        step.retry.isDone = true
      }
      if step.retry.isDone {
        var counts = UnitCounts()
        counts.pending = step.retry.count
        let refusal = step.retry.count == 0 ? "nothing_to_retry" : nil
        try facts.add(
          retry.command.answer(counts: counts, refusal: refusal), at: now, requestID: retry.command.requestID)
      }
      let doneAt = step.retry.isDone ? now.date : nil
      try await connection.query(
        """
        UPDATE scheduler.retries
        SET next_index = \(step.retry.nextIndex), retried = \(step.retry.count), done_at = \(doneAt)
        WHERE command_id = \(retry.command.id.uuid)
        """)
      step.outbox = try await Outbox.insert(facts, connection)
      return step
    }
  }

  /// False once the message has been cancelled after the command began: what has not gone again stays as it is.
  private static func goesOn(_ retry: Retry, _ message: MessageStore.Message) -> Bool {
    retry.count == 0 || retry.wasCancelled || message.ended != .cancelled
  }

  private static func retry(_ row: PostgresRow) throws -> Retry {
    let body: String = try row.decode("body")
    guard case .messages(let command, .message(let message)) = try ReceivedCommand(Array(body.utf8)) else {
      throw StoreError.unexpectedValue(column: "body")
    }
    return Retry(
      command: command, message: message, nextIndex: try row.decode("next_index"), count: try row.decode("retried"),
      wasCancelled: try row.decode("was_cancelled"), isDone: try row.decode("done_at", as: Date?.self) != nil)
  }
}
