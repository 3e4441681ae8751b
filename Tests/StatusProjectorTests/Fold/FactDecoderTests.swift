import Contracts
import Testing

@testable import StatusProjector

@Suite struct FactDecoderTests {
  private func code(_ body: String, type: String?) -> WireError.Code? {
    do {
      _ = try FactDecoder.decode(Array(body.utf8), type: type)
      return nil
    } catch {
      return (error as? WireError)?.code
    }
  }

  private let header = #""v":1,"id":"0192f0c1-2345-7abc-8def-0123456789ab","at":"2026-01-02T03:04:05.000006Z""#

  @Test("What is no fact of the contract is refused, by a code")
  func refused() {
    #expect(code("not json", type: "unit.changed") == .malformed)
    #expect(code("not json", type: nil) == .malformed)
    #expect(code("{\(header),\"type\":\"unit.changed\"}", type: "unit.changed") == .malformed)
    #expect(code("{\(header),\"type\":\"no.such\"}", type: "no.such") == .malformed)
    #expect(code("{\(header),\"type\":\"message.cancel\"}", type: "message.cancel") == .unexpectedType)
    #expect(code("{\(header),\"type\":\"unit.changed\",\"units\":[]}", type: "unit.dispatched") != nil)
  }

  @Test("A later version of the contract is refused")
  func laterVersion() {
    let body = "{\(header),\"type\":\"unit.changed\",\"units\":[]}".replacing("\"v\":1", with: "\"v\":2")
    #expect(code(body, type: "unit.changed") == .unsupportedVersion)
  }

  @Test("Numbers that no table holds are refused before they can overflow")
  func outOfRange() {
    let attempt = "0192f0c1-2345-7abc-8def-0123456789ab/0/9223372036854775807"
    let body = """
      {\(header),"type":"unit.dispatched","dispatched_at":"2026-01-02T03:04:05Z",
       "units":[{"attempt":"\(attempt)","provider":"hkt"}]}
      """
    #expect(code(body, type: "unit.dispatched") == .malformed)
  }

  @Test(
    "A cut that no message can have is refused before it becomes millions of rows",
    arguments: [(-1, 5), (6, 5), (0, 2_000_000_000)])
  func cutOutOfRange(from index: Int, total: Int) {
    let cut = """
      "messages":[{"message_id":"0192f0c1-2345-7abc-8def-0123456789ab","from_index":\(index),"total":\(total),
       "at":"2026-01-02T03:04:05Z"}]
      """
    for type in ["message.cancelled", "message.expired"] {
      #expect(code("{\(header),\"type\":\"\(type)\",\(cut)}", type: type) == .malformed)
    }
  }

  @Test("Facts that no table shows only move the time on", arguments: [MessageType.userChanged, .unitDead])
  func otherFacts(type: MessageType) throws {
    let body = "{\(header),\"type\":\"\(type.rawValue)\",\"unknown_field\":3}"
    for hint in [type.rawValue, nil] {
      let logged = try FactDecoder.decode(Array(body.utf8), type: hint)
      #expect(logged.at == Timestamp("2026-01-02T03:04:05.000006Z"))
      guard case .other = logged.fact else {
        Issue.record("a \(type.rawValue) is not shown")
        continue
      }
    }
  }
}
