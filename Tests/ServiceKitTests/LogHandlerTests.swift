import Foundation
import Logging
import NIOConcurrencyHelpers
import ServiceKit
import Testing

@Suite("The log")
struct LogHandlerTests {
  private final class Lines: LogSink {
    let lines = NIOLockedValueBox<[String]>([])
    func write(_ line: String) { lines.withLockedValue { $0.append(line) } }
    var last: String { lines.withLockedValue { $0.last ?? "" } }
  }

  private func logger(_ format: LogFormat, _ lines: Lines, level: Logger.Level = .info) -> Logger {
    Logger(label: "scheduler") { label in
      format.handler(label: label, level: level, metadataProvider: RequestScope.metadataProvider, sink: lines)
    }
  }

  @Test("as JSON is one object a line, whatever the values hold")
  func json() throws {
    let lines = Lines()
    var logger = logger(.json, lines)
    logger[metadataKey: LogKey.provider] = "hkt"
    logger.warning(
      "lease lost",
      metadata: [
        LogKey.error: "line\none \"two\" \u{1}", "time": "x", "list": ["a", "b"], "map": ["k": "v"],
      ])
    let object = try JSONSerialization.jsonObject(with: Data(lines.last.utf8))
    let fields = try #require(object as? [String: Any])
    #expect(fields["level"] as? String == "warning")
    #expect(fields["message"] as? String == "lease lost")
    #expect(fields["logger"] as? String == "scheduler")
    #expect(fields["provider"] as? String == "hkt")
    #expect(fields["error"] as? String == "line\none \"two\" \u{1}")
    #expect(fields["metadata.time"] as? String == "x")
    #expect(fields["list"] as? [String] == ["a", "b"])
    #expect(fields["map"] as? [String: String] == ["k": "v"])
    #expect((fields["time"] as? String)?.hasSuffix("Z") == true)
    #expect(!lines.last.contains("\n"))
  }

  @Test("as text is one line with sorted, quoted metadata")
  func text() {
    let lines = Lines()
    logger(.text, lines).info("started", metadata: ["b": "two words", "a": "1", "c": "new\nline"])
    #expect(lines.last.hasSuffix(#" info scheduler: started [a=1 b="two words" c="new\nline"]"#))
  }

  @Test("as text stays one line and one value, whatever is in it")
  func hostile() {
    let lines = Lines()
    logger(.text, lines).info("a\r\nb", metadata: ["c": "d\r\ne", "q": "\"\u{301} x=1", "t": "\u{1B}[2Jz"])
    #expect(lines.last.hasSuffix(#" info scheduler: a\r\nb [c="d\r\ne" q="\""# + "\u{301}" + #" x=1" t="\u{1b}[2Jz"]"#))
    #expect(!lines.last.utf8.contains { $0 == 10 || $0 == 13 || $0 == 27 })
  }

  @Test("leaves out what is below its level")
  func level() {
    let lines = Lines()
    logger(.text, lines, level: .warning).info("quiet")
    #expect(lines.last.isEmpty)
  }

  @Test("carries the request's id in every line that is written on its behalf")
  func requestID() async {
    let lines = Lines()
    let logger = logger(.text, lines)
    await RequestScope.with("r-1") { logger.info("inside") }
    #expect(lines.last.hasSuffix("inside [request.id=r-1]"))
    logger.info("outside")
    #expect(lines.last.hasSuffix("outside"))
  }
}
