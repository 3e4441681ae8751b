import HeapModule

/// A heap of flows by virtual start tag that lets go of outdated entries when they surface.
///
/// A flow has one valid entry, the one with its current stamp; changing a tag pushes a new entry instead of searching
/// for the old one, so every operation is O(log flows).
struct TaggedHeap: Sendable {
  struct Entry: Comparable, Sendable {
    var tag: Int64
    /// Decides between equal tags.
    var flowID: Int64
    var flow: Int
    var stamp: UInt64

    static func < (left: Entry, right: Entry) -> Bool {
      (left.tag, left.flowID) < (right.tag, right.flowID)
    }
  }

  private var heap = Heap<Entry>()

  mutating func push(_ entry: Entry) { heap.insert(entry) }

  /// The valid entry with the smallest tag; outdated ones before it are dropped.
  mutating func first(where isValid: (Entry) -> Bool) -> Entry? {
    while let entry = heap.min {
      if isValid(entry) { return entry }
      heap.removeMin()
    }
    return nil
  }
}
