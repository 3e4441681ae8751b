import Contracts
import Testing

@testable import StatusProjector

@Suite struct LogHeadroomTests {
  private let start = Timestamp(microseconds: 1_800_000_000_000_000)

  private func headroom(first: UInt64, offset: UInt64?, ahead: Duration) -> LogHeadroom {
    LogHeadroom(
      beginning: .init(offset: first, at: start), offset: offset, logTime: offset == nil ? nil : start + ahead)
  }

  @Test("While the log's very first fact is there nothing can be lost")
  func whole() {
    #expect(headroom(first: 0, offset: nil, ahead: .zero).duration == LogHeadroom.retention)
    #expect(!headroom(first: 0, offset: 3, ahead: .seconds(5)).isLow)
  }

  @Test("The headroom is from the log's first fact to where the tables stand")
  func ahead() {
    let much = headroom(first: 500, offset: 900_000, ahead: .seconds(86_400 * 6))
    #expect(much.duration == .seconds(86_400 * 6))
    #expect(!much.isLow && much.lostFacts == 0)
    #expect(headroom(first: 500, offset: 499, ahead: .zero).lostFacts == 0)
    #expect(headroom(first: 500, offset: 600, ahead: .seconds(3600)).isLow)
  }

  @Test("Facts that were deleted before they were folded are counted")
  func lost() {
    let lost = headroom(first: 500, offset: 400, ahead: .zero)
    #expect(lost.lostFacts == 99)
    #expect(lost.duration == .zero)
    #expect(headroom(first: 500, offset: nil, ahead: .zero).lostFacts == 500)
  }
}
