import Contracts
import Foundation

/// One end of a span as people give it: a whole day, or a moment.
enum DayOrTime: Sendable, Equatable {
  case day(year: Int, month: Int, day: Int)
  case time(Timestamp)

  /// `2026-11-21`, or `2026-11-21T08:15:30Z`; `nil` for anything else.
  init?(_ text: String) {
    if let time = Timestamp(text) {
      self = .time(time)
      return
    }
    // The day is checked with the time.
    guard text.utf8.count == 10, Timestamp(text + "T00:00:00Z") != nil else { return nil }
    let parts = text.split(separator: "-").compactMap { Int($0) }
    guard parts.count == 3 else { return nil }
    self = .day(year: parts[0], month: parts[1], day: parts[2])
  }

  /// The query's parameter; `nil` without one.
  init?(_ query: Query, _ name: String) throws {
    guard let text = query.plusString(name) else { return nil }
    guard let value = DayOrTime(text) else {
      throw APIError.invalidField(
        name, "not_a_time", "Must be a day like 2026-11-21 or a time like 2026-11-21T08:15:30Z")
    }
    self = value
  }

  /// The moment itself, or when the day begins.
  func begin(in zone: TimeZone) -> Timestamp {
    switch self {
    case .time(let time): time
    case .day(let year, let month, let day): Self.midnight(year, month, day, zone)
    }
  }

  /// The moment itself with the rest of its millisecond, or the last microsecond of the day.
  func end(in zone: TimeZone) -> Timestamp {
    switch self {
    case .time(let time) where time.microseconds.isMultiple(of: 1_000): Timestamp(microseconds: time.microseconds + 999)
    case .time(let time): time
    case .day(let year, let month, let day):
      Timestamp(microseconds: Self.midnight(year, month, day + 1, zone).microseconds - 1)
    }
  }

  private static func midnight(_ year: Int, _ month: Int, _ day: Int, _ zone: TimeZone) -> Timestamp {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = zone
    let date = calendar.date(from: DateComponents(year: year, month: month, day: day))
    return date.map { Timestamp(calendar.startOfDay(for: $0)) } ?? .distantPast
  }
}
