import Contracts
import Foundation

/// Where and when calendar days begin.
struct LocalCalendar: Sendable {
  private var calendar: Calendar

  init(zone: TimeZone) {
    calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = zone
  }

  /// The day of a time, `2026-11-21`.
  func day(of time: Timestamp) -> String {
    let parts = calendar.dateComponents([.year, .month, .day], from: time.date)
    func digits(_ number: Int?, _ width: Int) -> String {
      let text = String(number ?? 0)
      return String(repeating: "0", count: max(0, width - text.count)) + text
    }
    return "\(digits(parts.year, 4))-\(digits(parts.month, 2))-\(digits(parts.day, 2))"
  }

  /// How long it is until the next day begins.
  func untilTomorrow(from time: Timestamp) -> Duration {
    let start = calendar.startOfDay(for: time.date)
    guard let next = calendar.date(byAdding: .day, value: 1, to: start) else { return .seconds(86_400) }
    return .seconds(max(0, next.timeIntervalSince(time.date)))
  }
}
