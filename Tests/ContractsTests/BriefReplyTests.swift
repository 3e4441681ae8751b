import Contracts
import Testing

@Suite("The beginning of a provider's reply")
struct BriefReplyTests {
  @Test("a reply of up to 256 bytes is told whole")
  func short() {
    let reply = ProviderReply(status: 200, body: String(repeating: "x", count: 256))
    #expect(reply.brief == reply)
    #expect(ProviderReply(status: nil, body: "").brief == ProviderReply(status: nil, body: ""))
  }

  @Test("a longer one is cut between two characters", arguments: ["x", "é", "你", "👨‍👩‍👧", "e\u{301}"])
  func long(character: String) {
    let reply = ProviderReply(status: 503, body: String(repeating: character, count: 300))
    let brief = reply.brief
    let expected = 256 / character.utf8.count
    #expect(brief.status == 503 && brief.body == String(repeating: character, count: expected))
  }
}
