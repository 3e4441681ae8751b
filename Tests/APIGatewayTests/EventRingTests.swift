import Contracts
import Testing

@testable import APIGateway

@Suite("The newest facts")
struct EventRingTests {
  private func fact(_ offset: UInt64, size: Int = 10) -> LiveFact {
    LiveFact(
      offset: offset,
      events: [
        LiveEvent(
          name: "x", audience: .everybody, messageID: nil, data: Array(repeating: UInt8(ascii: "0"), count: size))
      ])
  }

  private func offsets(_ page: EventRing.Page) -> [UInt64]? {
    if case .facts(let facts, _) = page { facts.map(\.offset) } else { nil }
  }

  private func next(_ page: EventRing.Page) -> UInt64? {
    if case .facts(_, let next) = page { next } else { nil }
  }

  @Test("A reader finds what lies behind its place, in pages, and learns how far it has come")
  func pages() {
    var ring = EventRing()
    for offset in 10...15 { ring.append(fact(UInt64(offset))) }
    ring.append(LiveFact(offset: 16, events: []))
    #expect(offsets(ring.page(from: 12, limit: 2)) == [12, 13])
    #expect(next(ring.page(from: 12, limit: 2)) == 14)
    #expect(offsets(ring.page(from: 14, limit: 10)) == [14, 15])
    #expect(next(ring.page(from: 14, limit: 10)) == 17, "a fact without events is passed by")
    #expect(offsets(ring.page(from: 17, limit: 10)) == [])
    #expect(next(ring.page(from: 30, limit: 10)) == 30, "a reader that is ahead waits")
    #expect(ring.page(from: 9, limit: 10) == .gone)
    ring.append(fact(12))
    #expect(offsets(ring.page(from: 10, limit: 10)) == [10, 11, 12, 13, 14, 15], "a repeat is ignored")
  }

  @Test("Who began before the first fact misses nothing, and who comes back to an empty ring does")
  func beginning() {
    var ring = EventRing()
    #expect(ring.page(from: nil, limit: 10) == .facts([], next: nil))
    #expect(ring.page(from: 3, limit: 10) == .gone)
    ring.append(fact(0))
    #expect(offsets(ring.page(from: nil, limit: 10)) == [0])
    #expect(next(ring.page(from: nil, limit: 10)) == 1)
  }

  @Test("It holds so many facts and so many bytes")
  func bounds() {
    var ring = EventRing(capacity: 3)
    for offset in 1...5 { ring.append(fact(UInt64(offset))) }
    #expect(offsets(ring.page(from: 3, limit: 10)) == [3, 4, 5])
    #expect(ring.page(from: 2, limit: 10) == .gone && ring.page(from: nil, limit: 10) == .gone)
    var small = EventRing(byteLimit: 2 * fact(1, size: 1_000).size)
    for offset in 1...5 { small.append(fact(UInt64(offset), size: 1_000)) }
    #expect(offsets(small.page(from: 4, limit: 10)) == [4, 5])
    #expect(small.page(from: 3, limit: 10) == .gone)
  }

  @Test("What is skipped is gone for who wanted it, and for nobody else")
  func skipping() {
    var ring = EventRing()
    ring.append(fact(1))
    ring.skip(2)
    #expect(ring.page(from: 2, limit: 10) == .gone)
    #expect(offsets(ring.page(from: 3, limit: 10)) == [])
    ring.append(fact(3))
    #expect(offsets(ring.page(from: 3, limit: 10)) == [3])
  }

  @Test("What follows a skipped stretch is not taken for its beginning")
  func stretch() {
    var ring = EventRing()
    ring.append(fact(1))
    ring.skip(9)
    ring.append(fact(10))
    for place: UInt64 in 1...9 { #expect(ring.page(from: place, limit: 10) == .gone, "\(place)") }
    #expect(offsets(ring.page(from: 10, limit: 10)) == [10])
    ring.skip(4)
    #expect(offsets(ring.page(from: 10, limit: 10)) == [10], "what was taken is not lost")
  }

  @Test("Owners are remembered as long as somebody asks for them, and not more than so many")
  func owners() {
    var map = OwnerMap(capacity: 4)
    let user = UserID.timeOrdered()
    let ids = (0..<20).map { _ in MessageID.timeOrdered() }
    for id in ids {
      map.note(id, of: user)
      let first = map.owner(of: ids[0])
      #expect(first == user)
    }
    #expect(map.count <= 4)
    let forgotten = map.owner(of: ids[5])
    #expect(forgotten == nil)
    let now = ContinuousClock.now
    map.noteMissing([ids[5]], now: now)
    #expect(map.isMissing(ids[5], now: now + .milliseconds(900)) && !map.isMissing(ids[5], now: now + .seconds(1)))
    map.note(ids[5], of: user)
    #expect(!map.isMissing(ids[5], now: now))
  }
}
