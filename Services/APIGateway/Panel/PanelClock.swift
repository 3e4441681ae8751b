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
  private let calendar: LocalCalendar
  /// `HKT`
  let zone: String

  init(calendar: LocalCalendar) {
    self.calendar = calendar
    let zone = calendar.zone
    // Foundation on Linux knows it only as GMT+8.
    self.zone = zone.identifier == "Asia/Hong_Kong" ? "HKT" : zone.abbreviation() ?? zone.identifier
  }

  func time(_ time: Timestamp) -> PanelTime {
    let (day, seconds) = calendar.dayAndTime(of: time)
    let clock = String(seconds.prefix(5))
    return PanelTime(
      iso: time.description, text: "\(day) \(seconds)", clock: clock,
      short: calendar.isSameDay(time, .now()) ? clock : "\(day) \(clock)")
  }

  /// A time of an answer of the API.
  func time(_ value: JSONValue?) -> PanelTime? { value?.text.flatMap { Timestamp($0) }.map(time) }

  /// What `<input type="datetime-local">` sends.
  func time(local text: String) -> Timestamp? {
    let numbers = text.split { "-T: ".contains($0) }.map { Int($0) }
    guard (5...6).contains(numbers.count), !numbers.contains(nil) else { return nil }
    return calendar.time(Self.components(numbers))
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
}
