import DequeModule

/// The newest facts, as many as fit: what streams read from, each at its own place. Pure.
///
/// A place is the offset of the next fact that a reader wants.
struct EventRing: Sendable {
  /// What lies at a reader's place.
  enum Page: Sendable, Equatable {
    /// In order, and the place behind them.
    case facts([LiveFact], next: UInt64?)
    /// Something that the reader wants is not here, or no longer.
    case gone
  }

  private let capacity: Int
  private let byteLimit: Int
  private var facts: Deque<LiveFact> = []
  private var bytes = 0
  /// The first fact that was ever taken.
  private var origin: UInt64?
  /// Everything from here on is here.
  private var first: UInt64?
  /// Behind the last fact that was taken; `nil` before the first.
  private(set) var next: UInt64?

  /// - Parameters:
  ///   - capacity: Facts.
  ///   - byteLimit: Their size together.
  init(capacity: Int = 8_192, byteLimit: Int = 16 * 1024 * 1024) {
    self.capacity = capacity
    self.byteLimit = byteLimit
  }

  /// Takes the next fact. One without events takes no room; one that was taken before is ignored.
  mutating func append(_ fact: LiveFact) {
    guard pass(fact.offset), !fact.events.isEmpty else { return }
    facts.append(fact)
    bytes += fact.size
    while facts.count > capacity || bytes > byteLimit, let dropped = facts.popFirst() {
      bytes -= dropped.size
      first = dropped.offset + 1
    }
  }

  /// Goes on behind a fact whose events nobody wants to keep; all earlier ones are forgotten too.
  mutating func skip(_ offset: UInt64) {
    guard pass(offset) else { return }
    facts.removeAll()
    bytes = 0
    first = next
  }

  private mutating func pass(_ offset: UInt64) -> Bool {
    if let next, offset < next { return false }
    if origin == nil { (origin, first) = (offset, offset) }
    next = offset + 1
    return true
  }

  /// - Parameter place: `nil` for a reader who began when nothing had been taken yet.
  func page(from place: UInt64?, limit: Int) -> Page {
    guard let first, let next else { return place == nil ? .facts([], next: nil) : .gone }
    guard let place = place ?? origin, place >= first else { return .gone }
    let start = partition { $0.offset < place }
    let page = facts[start...].prefix(limit)
    if start + page.count < facts.count, let last = page.last { return .facts(Array(page), next: last.offset + 1) }
    return .facts(Array(page), next: max(place, next))
  }

  /// How many facts, from the first on, the condition holds for.
  private func partition(_ condition: (LiveFact) -> Bool) -> Int {
    var (low, high) = (0, facts.count)
    while low < high {
      let middle = (low + high) / 2
      if condition(facts[middle]) { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
