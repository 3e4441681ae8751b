import Contracts
import Foundation
import Testing

@testable import APIGateway

@Suite("Days and times")
struct DayOrTimeTests {
  private let hongKong = GatewaySettings().timeZone

  @Test("A day is the whole day where the gateway is set to be")
  func day() throws {
    let day = try #require(DayOrTime("2026-11-21"))
    #expect(day.begin(in: hongKong).description == "2026-11-20T16:00:00.000Z")
    #expect(day.end(in: hongKong).text(fractionDigits: 6) == "2026-11-21T15:59:59.999999Z")
    #expect(try #require(DayOrTime("2026-12-31")).end(in: .gmt).text(fractionDigits: 3) == "2026-12-31T23:59:59.999Z")
    // A day of 23 hours.
    let london = try #require(TimeZone(identifier: "Europe/London"))
    let spring = try #require(DayOrTime("2026-03-29"))
    #expect(spring.end(in: london) - spring.begin(in: london) == .seconds(23 * 3600) - .microseconds(1))
  }

  @Test("A time is that moment, and anything else is nothing")
  func time() {
    let time = DayOrTime("2026-11-21T08:15:30+08:00")
    #expect(time?.begin(in: hongKong).description == "2026-11-21T00:15:30.000Z")
    #expect(time?.end(in: hongKong).description == "2026-11-21T00:15:30.000Z")
    for text in ["", "2026-11-31", "2026-1-1", "21.11.2026", "yesterday", "2026-11-21T"] {
      #expect(DayOrTime(text) == nil, "\(text)")
    }
  }
}
