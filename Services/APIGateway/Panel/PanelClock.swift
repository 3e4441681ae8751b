import Contracts
import Foundation

/// A time as people read it, with the one that programs read.
struct PanelTime: Sendable {
  /// ISO 8601, for `datetime`.
  var iso: String
  /// `2026-11-21 14:20:05`
  var text: String
  /// `14:20`
  var clock: String
  /// `14:20` today, `2026-11-22 14:20` on another day.
  var short: String
}

/// Writes times in the zone of the people who read them.
struct PanelClock: Sendable {
  private let calendar: Calendar
  /// `HKT`
  let zone: String

  init(zone: TimeZone) {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = zone
    self.calendar = calendar
    // Foundation on Linux knows it only as GMT+8.
    self.zone = zone.identifier == "Asia/Hong_Kong" ? "HKT" : zone.abbreviation() ?? zone.identifier
  }

  func time(_ time: Timestamp) -> PanelTime {
    let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: time.date)
    let day = [parts.year, parts.month, parts.day].map(Self.twoDigits).joined(separator: "-")
    let clock = [parts.hour, parts.minute].map(Self.twoDigits).joined(separator: ":")
    let isToday = calendar.isDate(time.date, inSameDayAs: Timestamp.now().date)
    return PanelTime(
      iso: time.description, text: "\(day) \(clock):\(Self.twoDigits(parts.second))", clock: clock,
      short: isToday ? clock : "\(day) \(clock)")
  }

  /// A time of an answer of the API.
  func time(_ value: JSONValue?) -> PanelTime? { value?.text.flatMap { Timestamp($0) }.map(time) }

  /// What `<input type="datetime-local">` sends.
  func time(local text: String) -> Timestamp? {
    let numbers = text.split { "-T: ".contains($0) }.map { Int($0) }
    guard (5...6).contains(numbers.count), !numbers.contains(nil) else { return nil }
    let wanted = Self.components(numbers)
    // What does not come back as it was is no time of any day.
    guard let date = calendar.date(from: wanted),
      calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date) == wanted
    else { return nil }
    return Timestamp(date)
  }

  /// A day and a time, or a day, from its beginning.
  func start(of text: String) -> Timestamp? {
    Timestamp(text) ?? time(local: text) ?? time(local: "\(text) 00:00")
  }

  /// A day and a time, or a day, to its end.
  func end(of text: String) -> Timestamp? {
    Timestamp(text) ?? time(local: text) ?? time(local: "\(text) 23:59:59").map { $0 + .milliseconds(999) }
  }

  private static func components(_ numbers: [Int?]) -> DateComponents {
    DateComponents(
      year: numbers[0], month: numbers[1], day: numbers[2], hour: numbers[3], minute: numbers[4],
      second: numbers.count > 5 ? numbers[5] : 0)
  }

  private static func twoDigits(_ number: Int?) -> String {
    let text = String(number ?? 0)
    return text.count < 2 ? "0" + text : text
  }
}
