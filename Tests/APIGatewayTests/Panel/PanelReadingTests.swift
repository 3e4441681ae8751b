import Testing

@testable import APIGateway

@Suite("Forms, tables that are saved, and times")
struct PanelReadingTests {
  @Test("A form with a file is read part by part, and what is no such form is refused")
  func multipart() throws {
    let body = Array(
      """
      --x1\r\nContent-Disposition: form-data; name="content"\r\n\r\nHi\r\nthere --x1\r\n\
      --x1\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv\r\n\r\n9123\r\n--x1--\r\n
      """.utf8)
    let read = try #require(Multipart(body, type: "multipart/form-data; boundary=x1"))
    #expect(read.parts.map(\.name) == ["content", "file"] && read.parts.map(\.filename) == [nil, "a.csv"])
    #expect(read.parts.map { String(decoding: $0.bytes, as: UTF8.self) } == ["Hi\r\nthere --x1", "9123"])
    #expect(Multipart(body, type: "multipart/form-data; boundary=other") == nil)
    #expect(Multipart(body, type: "multipart/form-data") == nil)
    for length in 0..<(body.count - 6) {
      #expect(Multipart(Array(body[..<length]), type: "multipart/form-data; boundary=x1") == nil, "cut at \(length)")
    }
  }

  @Test("A table that is saved holds no formula")
  func export() {
    #expect(
      MessageExport.line(["=1+1", "+85291234567", "a,\"b\"", "x\ny", "-2"])
        == "'=1+1,+85291234567,\"a,\"\"b\"\"\",\"x\ny\",'-2\r\n")
  }

  @Test("Times are read and written where the reader is")
  func clock() throws {
    let clock = PanelClock(calendar: LocalCalendar(zone: try #require(.init(identifier: "Asia/Hong_Kong"))))
    let time = try #require(clock.time(local: "2026-11-21T14:30"))
    #expect(time.description == "2026-11-21T06:30:00.000Z" && clock.time(time).text == "2026-11-21 14:30:00")
    #expect(clock.end(of: "2026-11-21")?.description == "2026-11-21T15:59:59.999Z")
    #expect(clock.start(of: "2026-11-21T06:30:00.000Z") == time, "a moment is one, wherever the reader is")
    for text in ["2026-11-21 2pm", "2026-11-21 14:3O", "2026-02-30 10:00", "2026-11-21T14:30:xx"] {
      #expect(clock.time(local: text) == nil && clock.start(of: text) == nil, "\(text)")
    }
    #expect(clock.zone == "HKT" && clock.time(local: "tomorrow") == nil)
  }
}
