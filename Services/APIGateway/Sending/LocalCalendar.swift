import Contracts
import Foundation

/// Where and when calendar days begin, and how they are written there.
struct LocalCalendar: Sendable {
  private let calendar: Calendar

  init(zone: TimeZone) {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = zone
    self.calendar = calendar
  }

  var zone: TimeZone { calendar.timeZone }

  /// The day of a time, `2026-11-21`.
  func day(of time: Timestamp) -> String { Self.day(calendar.dateComponents([.year, .month, .day], from: time.date)) }

  /// The day and the time of day, `2026-11-21` and `14:20:05`.
  func dayAndTime(of time: Timestamp) -> (day: String, time: String) {
    let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: time.date)
    let clock = [parts.hour, parts.minute, parts.second].map { Self.digits($0, 2) }.joined(separator: ":")
    return (Self.day(parts), clock)
  }

  /// - Returns: `nil` for what is no time of any day.
  func time(_ parts: DateComponents) -> Timestamp? {
    // What does not come back as it was is none.
    guard let date = calendar.date(from: parts),
      calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date) == parts
    else { return nil }
    return Timestamp(date)
  }

  func isSameDay(_ one: Timestamp, _ other: Timestamp) -> Bool { calendar.isDate(one.date, inSameDayAs: other.date) }

  /// How long it is until the next day begins.
  func untilTomorrow(from time: Timestamp) -> Duration {
    let start = calendar.startOfDay(for: time.date)
    guard let next = calendar.date(byAdding: .day, value: 1, to: start) else { return .seconds(86_400) }
    return .seconds(max(0, next.timeIntervalSince(time.date)))
  }

  private static func day(_ parts: DateComponents) -> String {
    "\(digits(parts.year, 4))-\(digits(parts.month, 2))-\(digits(parts.day, 2))"
  }

  private static func digits(_ number: Int?, _ width: Int) -> String {
    let text = String(number ?? 0)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }
}
