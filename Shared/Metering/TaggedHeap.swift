import HeapModule

/// A heap of flows by virtual start tag that lets go of outdated entries when they surface, or when they are too many.
///
/// Changing a tag pushes a new entry instead of searching for the old one, so every operation is O(log flows).
struct TaggedHeap: Sendable {
  struct Entry: Comparable, Sendable {
    var tag: Int64
    /// Decides between equal tags.
    var flowID: Int64
    var flow: Int
    /// The flow's stamp of the moment: another one outdates the entry.
    var stamp: UInt64

    static func < (left: Entry, right: Entry) -> Bool {
      (left.tag, left.flowID) < (right.tag, right.flowID)
    }
  }

  private var heap = Heap<Entry>()
  /// With so many entries the outdated ones are thrown out.
  private var limit = 64

  mutating func push(_ entry: Entry, where isValid: (Entry) -> Bool) {
    heap.insert(entry)
    guard heap.count >= limit else { return }
    var valid: [Int: Entry] = [:]
    for entry in heap.unordered where isValid(entry) { valid[entry.flow] = entry }
    heap = Heap(valid.values)
    limit = max(64, 2 * heap.count)
  }

  /// The flows of the valid entries with the smallest tags, in order.
  mutating func first(_ count: Int, where isValid: (Entry) -> Bool) -> [Entry] {
    var entries: [Entry] = []
    while entries.count < count, let entry = first(where: isValid) {
      heap.removeMin()
      if !entries.contains(where: { $0.flow == entry.flow }) { entries.append(entry) }
    }
    for entry in entries { heap.insert(entry) }
    return entries
  }

  /// The valid entry with the smallest tag; outdated ones before it are dropped.
  mutating func first(where isValid: (Entry) -> Bool) -> Entry? {
    while let entry = heap.min {
      if isValid(entry) { return entry }
      heap.removeMin()
    }
    return nil
  }
}
