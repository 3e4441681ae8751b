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

  /// What `<input type="datetime-local">` sends: `2026-11-21T14:20`, with or without seconds; a space stands for the `T`, too.
  /// - Returns: `nil` for anything else: a year has four digits, and what is written otherwise is not guessed.
  func time(local text: String) -> Timestamp? {
    guard
      let match = text.wholeMatch(
        of: /(\d{4})-(\d{2})-(\d{2})[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,3})?)?/.asciiOnlyDigits())
    else { return nil }
    return calendar.time(
      DateComponents(
        year: Int(match.1), month: Int(match.2), day: Int(match.3), hour: Int(match.4), minute: Int(match.5),
        second: match.6.flatMap { Int($0) } ?? 0))
  }

  /// A day and a time, or a day, from its beginning.
  func start(of text: String) -> Timestamp? { moment(text) ?? Self.day(text).flatMap { time(local: "\($0) 00:00") } }

  /// A day and a time, or a day, to its end.
  func end(of text: String) -> Timestamp? {
    moment(text) ?? Self.day(text).flatMap { time(local: "\($0) 23:59:59") }.map { $0 + .milliseconds(999) }
  }

  private func moment(_ text: String) -> Timestamp? {
    if let time = Timestamp(text) { return time }
    let parts = text.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, let day = Self.day(String(parts[0])) else { return time(local: text) }
    return time(local: "\(day) \(parts[1])")
  }

  /// A day as people write it in Hong Kong, as `2026-11-21`: year first, or day, month and a year of four digits.
  private static func day(_ text: String) -> String? {
    func padded(_ digits: Substring) -> String { digits.utf8.count == 1 ? "0\(digits)" : String(digits) }
    if let match = text.wholeMatch(of: /(\d{4})[-\/.年](\d{1,2})[-\/.月](\d{1,2})日?/.asciiOnlyDigits()) {
      return "\(match.1)-\(padded(match.2))-\(padded(match.3))"
    }
    if let match = text.wholeMatch(of: /(\d{1,2})[-\/.](\d{1,2})[-\/.](\d{4})/.asciiOnlyDigits()) {
      return "\(match.3)-\(padded(match.2))-\(padded(match.1))"
    }
    return nil
  }
}
