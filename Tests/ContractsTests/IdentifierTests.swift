import Contracts
import Testing

@Suite("Identifiers and times")
struct IdentifierTests {
  @Test("a time-ordered id is a UUIDv7 that tells its millisecond")
  func version7() {
    let time = Timestamp(microseconds: 1_790_000_000_123_456)
    let id = MessageID.timeOrdered(at: time)
    let text = Array(id.description)
    #expect(text[14] == "7")
    #expect("89ab".contains(text[19]))
    #expect(id.creationTime == Timestamp(microseconds: 1_790_000_000_123_000))
    #expect(id.description == id.description.lowercased())
    #expect(MessageID(id.description) == id)
  }

  @Test("later ids sort after earlier ones")
  func ordered() {
    let ids = (0..<50).map { MessageID.timeOrdered(at: Timestamp(microseconds: 1_790_000_000_000_000 + $0 * 1000)) }
    #expect(ids.sorted() == ids)
    #expect(Set(ids).count == 50)
  }

  @Test("a derived id depends on every part and on where parts end")
  func derived() {
    func id(_ parts: String...) -> MessageID { .derived(from: parts.map { Array($0.utf8) }) }
    #expect(id("a", "b") == id("a", "b"))
    #expect(id("a", "b") != id("ab", ""))
    #expect(id("a", "b") != id("b", "a"))
    #expect(Array(id("a", "b").description)[14] == "8")
    #expect(id("a").creationTime == nil)
  }

  @Test(
    "a time is written with milliseconds and read back",
    arguments: [
      ("1970-01-01T00:00:00.000Z", 0), ("2026-11-21T08:15:30.123Z", 1_795_248_930_123_000),
      ("2000-02-29T23:59:59.999Z", 951_868_799_999_000), ("1969-12-31T23:59:59.500Z", -500_000),
    ])
  func times(text: String, microseconds: Int64) {
    #expect(Timestamp(microseconds: microseconds).description == text)
    #expect(Timestamp(text)?.microseconds == microseconds)
  }

  @Test("zones and fractions are understood")
  func zones() {
    #expect(Timestamp("2026-11-21T16:15:30+08:00") == Timestamp("2026-11-21T08:15:30Z"))
    #expect(Timestamp("2026-11-21T08:15:30.1234567Z")?.microseconds == 1_795_248_930_123_456)
  }

  @Test(
    "the forms in which the libraries of common languages write a time are read",
    arguments: [
      "2026-11-21T16:15+08:00", "2026-11-21T08:15Z", "2026-11-21T16:15:00+0800", "2026-11-21T16:15:00+08",
      "2026-11-21T08:15:00.0000000Z", "2026-11-21 08:15:00+00:00", "2026-11-21T16:15+08:00[Asia/Hong_Kong]",
      "2026-11-21T08:15:00.000000000Z", "2026-11-21t08:15:00z",
    ])
  func libraries(text: String) {
    #expect(Timestamp(text) == Timestamp("2026-11-21T08:15:00.000Z"))
  }

  @Test(
    "what is no time is refused",
    arguments: [
      "", "2026-11-21", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T08:15:30",
      "2026-11-21T08:15:30.Z", "2026-11-21T08:15:30Zx", "20261-11-21T08:15:30Z",
      "12026-11-21T08:15:30Z", "+012026-11-21T08:15:30Z", "2026-11-21T08:15:30+8", "2026-11-21T08:15:30+08[]",
      "2026-11-21T08:15", "2026-11-21T08:15:30[Asia/Hong_Kong]", "2026-11-21T08:15.5Z",
    ])
  func badTimes(text: String) {
    #expect(Timestamp(text) == nil)
  }

  @Test("an attempt's id names message, index and dispatch, and is read back")
  func attempts() {
    let id = AttemptID(messageID: .timeOrdered(), index: 7, dispatch: 3)
    #expect(AttemptID(id.description) == id)
    #expect(AttemptID("x/1/2") == nil)
    #expect(AttemptID("\(id.messageID)/-1/0") == nil)
  }
}
