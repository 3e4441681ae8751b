import Contracts
import HeapModule

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

  private struct Due: Comparable, Sendable {
    var at: Timestamp
    var command: EnvelopeID

    static func < (left: Due, right: Due) -> Bool { left.at < right.at }
    static func == (left: Due, right: Due) -> Bool { left.at == right.at }
  }

  private var entries: [EnvelopeID: Entry] = [:]
  private var commandOf: [AttemptID: EnvelopeID] = [:]
  /// When each command is to be repeated; what was reported meanwhile is dropped when it surfaces.
  private var repeats = Heap<Due>()

  /// - Parameter repeatAt: When to publish it again; by default 1 s after its deadline.
  mutating func add(_ issued: IssuedCommand, repeatAt: Timestamp? = nil) {
    let at = repeatAt ?? issued.command.notAfter + .seconds(1)
    entries[issued.id] = Entry(issued: issued, repeatAt: at)
    repeats.insert(Due(at: at, command: issued.id))
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
  var next: Timestamp? {
    mutating get {
      while let due = repeats.min {
        if entries[due.command]?.repeatAt == due.at { return due.at }
        repeats.removeMin()
      }
      return nil
    }
  }

  /// Commands to be published again now.
  mutating func takeOverdue(now: Timestamp) -> [IssuedCommand] {
    var overdue: [IssuedCommand] = []
    while let at = next, at <= now, let due = repeats.popMin(), let entry = entries[due.command] {
      // 10 s, 20 s, 40 s, then every minute: while no sender runs, copies must not pile up.
      let again = now + .seconds(min(60, 10 << min(entry.repeats, 3)))
      entries[due.command]?.repeatAt = again
      entries[due.command]?.repeats += 1
      repeats.insert(Due(at: again, command: due.command))
      overdue.append(entry.issued)
    }
    return overdue
  }

  var count: Int { commandOf.count }
}
