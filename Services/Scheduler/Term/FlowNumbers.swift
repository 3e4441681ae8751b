import Metering

/// The numbers of one flow's waiting units: from which one on they wait, and the holes between them. Pure.
struct FlowNumbers: Sendable, Hashable {
  /// Nobody waits with a smaller one.
  private(set) var head: Int64
  /// Nobody waits with this one or a greater.
  private(set) var end: Int64
  /// Numbers between the two that nobody waits for.
  private(set) var holes: HoleMap
  /// Past the greatest number that ever waited.
  private(set) var queuedEnd: Int64

  init(head: Int64 = 0, end: Int64 = 0, holes: HoleMap = HoleMap(), queuedEnd: Int64 = 0) {
    self.head = head
    self.end = end
    self.holes = holes
    self.queuedEnd = max(end, queuedEnd)
  }

  /// Units with these numbers wait from now on.
  /// - Parameter isOnly: No others wait.
  mutating func admit(_ numbers: Range<Int64>, isOnly: Bool) {
    guard !isOnly else {
      self = FlowNumbers(head: numbers.lowerBound, end: numbers.upperBound, queuedEnd: queuedEnd)
      return
    }
    if numbers.lowerBound > end { holes.add(end..<numbers.lowerBound) }
    if numbers.upperBound < head { holes.add(numbers.upperBound..<head) }
    let known = max(numbers.lowerBound, head)..<max(min(numbers.upperBound, end), max(numbers.lowerBound, head))
    holes.remove(known)
    head = min(head, numbers.lowerBound)
    end = max(end, numbers.upperBound)
    queuedEnd = max(queuedEnd, end)
  }

  /// Units with these numbers wait no longer.
  mutating func withdraw(_ numbers: Range<Int64>, leavesNone: Bool) {
    guard !leavesNone else {
      self = FlowNumbers(head: end, end: end, queuedEnd: queuedEnd)
      return
    }
    holes.add(max(numbers.lowerBound, head)..<max(numbers.upperBound, head))
  }

  /// Within these numbers just these are holes, as the store says.
  mutating func learn(_ gaps: [Range<Int64>], within numbers: Range<Int64>) {
    holes.remove(max(numbers.lowerBound, head)..<max(numbers.upperBound, head))
    for gap in gaps { holes.add(max(gap.lowerBound, head)..<max(gap.upperBound, head)) }
  }

  /// The unit with this number has been taken: the head passes it, and the holes before it.
  mutating func pass(_ number: Int64) {
    if number > head { holes.remove(head..<number) }
    head = max(head, number + 1)
    end = max(end, head)
  }
}
