/// Names of the statements that a session has prepared, by SQL text and parameter types; the least recently used goes.
struct StatementCache {
  struct Key: Hashable {
    var sql: String
    var types: [UInt32]
  }

  private struct Entry {
    var name: String
    var lastUse: UInt64
  }

  private let capacity: Int
  private var entries: [Key: Entry] = [:]
  private var uses: UInt64 = 0
  private var names: UInt64 = 0
  /// Statements that the session still holds and that are to be deallocated.
  private(set) var evicted: [String] = []

  init(capacity: Int) { self.capacity = capacity }

  /// The statement's name, if it is prepared.
  mutating func name(for key: Key) -> String? {
    guard let index = entries.index(forKey: key) else { return nil }
    uses += 1
    entries.values[index].lastUse = uses
    return entries.values[index].name
  }

  /// A name that this session never used.
  mutating func newName() -> String {
    names += 1
    return "s\(names)"
  }

  /// Takes note of a prepared statement; a full cache evicts one.
  mutating func insert(_ name: String, for key: Key) {
    if entries.count >= capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
      evicted.append(oldest.value.name)
      entries[oldest.key] = nil
    }
    uses += 1
    entries[key] = Entry(name: name, lastUse: uses)
  }

  /// Forgets a statement that the server no longer runs.
  mutating func forget(_ key: Key) {
    guard let entry = entries.removeValue(forKey: key) else { return }
    evicted.append(entry.name)
  }

  /// Takes note that a statement was deallocated.
  mutating func deallocated(_ name: String) { evicted.removeAll { $0 == name } }
}
