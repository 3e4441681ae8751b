import Contracts
import Testing

@testable import APIGateway

@Suite("List queries")
struct ListQueryTests {
  @Test("A cursor reads back, and nonsense is none")
  func cursor() {
    let cursor = PageCursor(acceptedAt: .now(), messageID: .timeOrdered())
    #expect(PageCursor(cursor.text) == cursor)
    let unit = PageCursor(acceptedAt: .now(), messageID: .timeOrdered(), unitIndex: 7)
    #expect(PageCursor(unit.text) == unit)
    for text in [
      "", ".", "x", "zz.zz", "1.\(MessageID.timeOrdered()).-1", "1.\(MessageID.timeOrdered()).1.1",
      "-1.\(MessageID.timeOrdered())",
    ] {
      #expect(PageCursor(text) == nil)
    }
  }

  @Test("Pages go by number as before, or by cursor, but not both")
  func pages() throws {
    #expect(try MessagePage(Query([:])) == .number(1, size: 50))
    #expect(try MessagePage(Query(["page": "3", "per_page": "10"])) == .number(3, size: 10))
    #expect(try MessagePage(Query(["limit": "10"])) == .after(nil, size: 10))
    // Where pages go by number, `limit` is another name for their size.
    #expect(try MessagePage(Query(["page": "2", "limit": "10"])) == .number(2, size: 10))
    #expect(
      try MessagePage(Query(["page": "2", "limit": "10", "per_page": "20", "cursor": ""])) == .number(2, size: 20))
    let cursor = PageCursor(acceptedAt: .now(), messageID: .timeOrdered()).text
    for bad in [
      ["limit": "0"], ["limit": "x"], ["limit": "201"], ["page": "0"], ["cursor": "x"],
      ["cursor": cursor, "page": "1"],
    ] {
      #expect(throws: APIError.self) { try MessagePage(Query(bad)) }
    }
  }
}
