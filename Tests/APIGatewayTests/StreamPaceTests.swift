import Contracts
import Testing

@testable import APIGateway

@Suite("The pace of streams")
struct StreamPaceTests {
  private let start = ContinuousClock.now

  @Test("A client that gets ahead is waited for, from then on, however old its stream is")
  func lead() {
    var lead = StreamLead(limit: 100, time: .seconds(10))
    let late = start + .seconds(3_600)
    let cases: [(place: UInt64, next: UInt64, after: Int, isTooFar: Bool)] = [
      (5, 5, 0, false), (8, 5, 3_600, false), (8, 6, 3_609, false), (8, 8, 3_611, false), (9, 8, 3_612, false),
      (9, 8, 3_623, true),
    ]
    for entry in cases {
      let isTooFar = lead.isTooFar(entry.place, ahead: entry.next, now: start + .seconds(entry.after))
      #expect(isTooFar == entry.isTooFar, "\(entry)")
    }
    var far = StreamLead(limit: 100, time: .seconds(10))
    let isTooFar = far.isTooFar(200, ahead: 99, now: late)
    #expect(isTooFar)
  }
}
