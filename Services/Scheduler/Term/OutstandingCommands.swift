import Contracts

/// Send commands that were issued and not reported back.
///
/// The leader cannot know whether a silent command was claimed, so it takes none back: it publishes the same one again,
/// 1 s after its deadline, 10 s later and then ever more rarely, and the ledger answers. Pure.
struct OutstandingCommands: Sendable {
  private struct Entry: Sendable {
    var issued: IssuedCommand
    var repeatAt: Timestamp
    var repeats = 0
  }

  private var entries: [EnvelopeID: Entry] = [:]
  private var commandOf: [AttemptID: EnvelopeID] = [:]

  /// - Parameter repeatAt: When to publish it again; by default 1 s after its deadline.
  mutating func add(_ issued: IssuedCommand, repeatAt: Timestamp? = nil) {
    entries[issued.id] = Entry(issued: issued, repeatAt: repeatAt ?? issued.command.notAfter + .seconds(1))
    for attempt in issued.open { commandOf[attempt] = issued.id }
  }

  /// An attempt has been reported.
  /// - Returns: The provider whose credit comes back; `nil` when it was not outstanding: a repeat.
  mutating func settle(_ attempt: AttemptID) -> String? {
    guard let id = commandOf.removeValue(forKey: attempt), var entry = entries.removeValue(forKey: id) else {
      return nil
    }
    entry.issued.open.remove(attempt)
    if !entry.issued.open.isEmpty { entries[id] = entry }
    return entry.issued.command.provider
  }

  /// When the next repeat is due.
  var next: Timestamp? { entries.values.map(\.repeatAt).min() }

  /// Commands to be published again now.
  mutating func takeOverdue(now: Timestamp) -> [IssuedCommand] {
    var overdue: [IssuedCommand] = []
    for (id, entry) in entries where entry.repeatAt <= now {
      // 10 s, 20 s, 40 s, then every minute: while no sender runs, copies must not pile up.
      entries[id]?.repeatAt = now + .seconds(min(60, 10 << min(entry.repeats, 3)))
      entries[id]?.repeats += 1
      overdue.append(entry.issued)
    }
    return overdue
  }

  var count: Int { commandOf.count }
}
