import Testing

@testable import Postgres

@Suite struct StatementCacheTests {
  private func key(_ sql: String, _ types: [UInt32] = []) -> StatementCache.Key { .init(sql: sql, types: types) }

  @Test("A full cache evicts what was used least recently, and remembers to deallocate it")
  func evicts() {
    var cache = StatementCache(capacity: 2)
    let names = ["a", "b", "c"].map { _ in cache.newName() }
    #expect(Set(names).count == 3)
    cache.insert(names[0], for: key("a"))
    cache.insert(names[1], for: key("b"))
    #expect(cache.name(for: key("a")) == names[0])
    cache.insert(names[2], for: key("c"))
    #expect(cache.name(for: key("b")) == nil)
    #expect(cache.name(for: key("a")) == names[0])
    #expect(cache.evicted == [names[1]])
    cache.deallocated(names[1])
    #expect(cache.evicted.isEmpty)
  }

  @Test("The same text with other types is another statement")
  func types() {
    var cache = StatementCache(capacity: 2)
    cache.insert("s1", for: key("SELECT $1", [20]))
    #expect(cache.name(for: key("SELECT $1", [25])) == nil)
  }
}
