import Testing

@testable import APIGateway

@Suite("Where a request is from")
struct ClientAddressTests {
  private func client(_ peer: String?, _ forwarded: [String], trusting ranges: [String] = []) -> String? {
    ClientAddress(trusted: ranges.compactMap { AddressRange($0) }).client(peer: peer, forwarded: forwarded)
  }

  @Test("Without trusted proxies it is the peer, whatever a header says")
  func peer() {
    #expect(client("203.0.113.9", ["1.2.3.4"]) == "203.0.113.9")
    #expect(client("::ffff:203.0.113.9", []) == "203.0.113.9")
    #expect(client("2001:db8::1", ["1.2.3.4"]) == "2001:db8::1")
    #expect(client(nil, ["1.2.3.4"]) == nil)
  }

  @Test("Behind proxies it is the last address that none of them has; what is before it counts for nothing")
  func proxies() {
    let trusted = ["10.0.0.0/8", "fd00::/8"]
    #expect(client("10.1.1.1", ["6.6.6.6, 203.0.113.9, 10.2.2.2"], trusting: trusted) == "203.0.113.9")
    #expect(client("10.1.1.1", ["6.6.6.6", "203.0.113.9"], trusting: trusted) == "203.0.113.9")
    #expect(client("fd00::1", ["2001:db8::7"], trusting: trusted) == "2001:db8::7")
    #expect(client("10.1.1.1", ["10.3.3.3"], trusting: trusted) == "10.3.3.3")
    #expect(client("10.1.1.1", ["203.0.113.9, unknown"], trusting: trusted) == "10.1.1.1")
    #expect(client("10.1.1.1", [], trusting: trusted) == "10.1.1.1")
    #expect(client("11.1.1.1", ["203.0.113.9"], trusting: trusted) == "11.1.1.1")
  }

  @Test("A block has the addresses whose first bits it has")
  func ranges() throws {
    func contains(_ range: String, _ address: String) throws -> Bool {
      try #require(AddressRange(range)).contains(try #require(IPAddress(address)))
    }
    #expect(try contains("192.168.0.0/23", "192.168.1.255"))
    #expect(try !contains("192.168.0.0/23", "192.168.2.0"))
    #expect(try contains("0.0.0.0/0", "8.8.8.8"))
    #expect(try !contains("0.0.0.0/0", "2001:db8::1"))
    #expect(try contains("127.0.0.1", "::ffff:127.0.0.1"))
    #expect(try !contains("127.0.0.1", "127.0.0.2"))
    #expect(try contains("::/0", "8.8.8.8"))
    for text in ["", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "x/8", "::/129"] { #expect(AddressRange(text) == nil) }
  }

  @Test("Guesses from one IPv6 network count together")
  func groups() throws {
    func group(_ text: String) throws -> [UInt8] { try #require(IPAddress(text)).group }
    #expect(try group("2001:db8:0:1::1") == group("2001:db8:0:1:ffff::2"))
    #expect(try group("2001:db8:0:1::1") != group("2001:db8:0:2::1"))
    #expect(try group("10.0.0.1") != group("10.0.0.2"))
  }
}
