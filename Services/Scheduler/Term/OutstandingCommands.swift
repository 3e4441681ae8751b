import Contracts

/// Send commands that were issued and not reported back.
///
/// The leader cannot know whether a silent command was claimed, so it takes none back: it publishes the same one again,
/// 1 s after its deadline and then every 10 s, and the ledger answers. Pure.
struct OutstandingCommands: Sendable {
  private struct Entry: Sendable {
    var issued: IssuedCommand
    var repeatAt: Timestamp
  }

  private var entries: [EnvelopeID: Entry] = [:]
  private var commandOf: [AttemptID: EnvelopeID] = [:]

  /// - Parameter repeatAt: When to publish it again; by default 1 s after its deadline.
  mutating func add(_ issued: IssuedCommand, repeatAt: Timestamp? = nil) {
    entries[issued.id] = Entry(issued: issued, repeatAt: repeatAt ?? issued.command.notAfter + .seconds(1))
    for attempt in issued.open { commandOf[attempt] = issued.id }
  }

  /// An attempt has been reported.
  /// - Returns: False when it was not outstanding: a repeat, which gives no credit back.
  mutating func settle(_ attempt: AttemptID) -> Bool {
    guard let id = commandOf.removeValue(forKey: attempt), var entry = entries.removeValue(forKey: id) else {
      return false
    }
    entry.issued.open.remove(attempt)
    if !entry.issued.open.isEmpty { entries[id] = entry }
    return true
  }

  /// When the next repeat is due.
  var next: Timestamp? { entries.values.map(\.repeatAt).min() }

  /// Commands to be published again now.
  mutating func takeOverdue(now: Timestamp) -> [IssuedCommand] {
    var overdue: [IssuedCommand] = []
    for (id, entry) in entries where entry.repeatAt <= now {
      entries[id]?.repeatAt = now + .seconds(10)
      overdue.append(entry.issued)
    }
    return overdue
  }

  var count: Int { commandOf.count }
}
