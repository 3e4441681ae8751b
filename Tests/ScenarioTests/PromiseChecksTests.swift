import Foundation
import TestSupport
import Testing

/// The scenarios' own checks: each sees what it is there for.
@Suite("The checks of the promises")
struct PromiseChecksTests {
  private func arrival(_ number: String, atMs: Int64, outcome: String = "accepted") throws -> MockClient.Arrival {
    let json =
      #"{"n":1,"provider":"p","monotonicNs":\#(atMs * 1_000_000),"number":"\#(number)","text":"","#
      + #""outcome":"\#(outcome)","violation":false}"#
    return try JSONDecoder().decode(MockClient.Arrival.self, from: Data(json.utf8))
  }

  private func fails(_ ending: Ending, unconfirmed: Int = 0) {
    withKnownIssue { ending.expectPromises(unconfirmed: unconfirmed, sourceLocation: #_sourceLocation) }
  }

  @Test("three arrivals within a second break a limit of two, three in just a second do not")
  func limit() throws {
    let kept = try [0, 400, 1000].map { try arrival("1", atMs: $0) }
    Promises.expectLimit(kept)
    let broken = try [0, 400, 999].map { try arrival("1", atMs: $0) }
    withKnownIssue { Promises.expectLimit(broken) }
  }

  @Test("what is called sent and did not arrive is lost; what is unconfirmed is not")
  func lost() throws {
    fails(Ending(accepted: ["+1"], states: ["+1": "sent"], arrivals: []))
    fails(Ending(accepted: ["+1"], states: [:], arrivals: []))
    Ending(accepted: ["+1"], states: ["+1": "unconfirmed"], arrivals: [])
      .expectPromises(unconfirmed: 1, sourceLocation: #_sourceLocation)
    fails(Ending(accepted: ["+1"], states: ["+1": "unconfirmed"], arrivals: []))
  }

  @Test("what the provider took twice is a duplicate; what it refused once is not")
  func duplicates() throws {
    let refused = try [arrival("1", atMs: 0, outcome: "refused"), arrival("1", atMs: 9)]
    Ending(accepted: ["+1"], states: ["+1": "sent"], arrivals: refused)
      .expectPromises(unconfirmed: 0, sourceLocation: #_sourceLocation)
    let taken = try [arrival("1", atMs: 0, outcome: "cut"), arrival("1", atMs: 9)]
    fails(Ending(accepted: ["+1"], states: ["+1": "sent"], arrivals: taken))
  }

  @Test("the longest gap is the longest without an arrival")
  func gap() throws {
    let ending = Ending(
      accepted: [], states: [:], arrivals: try [0, 10, 510, 600].map { try arrival("1", atMs: $0) })
    #expect(ending.longestGap == .milliseconds(500))
  }
}
