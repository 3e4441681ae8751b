/// Entries that could not be written yet: a bounded number, the oldest first.
struct AuditBuffer: Sendable {
  let capacity: Int
  private(set) var entries: [AuditEntry] = []

  init(capacity: Int = 10_000) { self.capacity = capacity }

  /// - Returns: False when there is no room: the entry is in the log alone.
  mutating func add(_ entry: AuditEntry) -> Bool {
    guard entries.count < capacity else { return false }
    entries.append(entry)
    return true
  }

  /// These were written.
  mutating func remove(first count: Int) { entries.removeFirst(min(count, entries.count)) }
}
