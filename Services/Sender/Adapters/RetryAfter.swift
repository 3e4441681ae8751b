import Contracts
import Foundation

/// The `Retry-After` header: seconds or an HTTP date (RFC 9110 §10.2.3).
enum RetryAfter {
  /// Seconds to wait, `nil` without a readable header; of several the longest. Names are expected in lower case.
  ///
  /// A date is compared with the answer's own `Date`, where there is one: a provider's clock may be wrong.
  static func seconds(in headers: [(String, String)], now: Timestamp) -> Double? {
    let here = headers.first { $0.0 == "date" }.flatMap { HTTPDate.read($0.1, now: now.date) } ?? now.date
    return headers.filter { $0.0 == "retry-after" }.compactMap { seconds($0.1.trimmedOfSpace, here) }.max()
  }

  private static func seconds(_ value: String, _ now: Date) -> Double? {
    // Digits alone by the RFC; some write fractions. No `Double(value)` by itself: it takes `nan` and `0x1p3`.
    if value.wholeMatch(of: /\+?[0-9]{1,12}(?:\.[0-9]{0,9})?s?/) != nil {
      return Double(value.replacing(/[+s]/, with: ""))
    }
    return HTTPDate.read(value, now: now).map { max(0, $0.timeIntervalSince(now)) }
  }
}

/// A date in any of the forms that RFC 9110 §5.6.7 wants understood, and ISO 8601's, which some write.
enum HTTPDate {
  static func read(_ text: String, now: Date) -> Date? {
    let words = text.replacing(/[,\-]/, with: " ").split(separator: " ").map(String.init)
    if text.first?.isNumber == true { return iso(text) }
    // `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`, and any zone as RFC 5322 writes it.
    if words.count >= 5, words[1].first?.isNumber == true {
      let zone = text.hasSuffix("-" + (words.last ?? "")) ? "-" + (words.last ?? "") : words.dropFirst(5).first ?? "GMT"
      return date(year: words[3], month: words[2], day: words[1], time: words[4], zone: zone, now)
    }
    // `Sun Nov  6 08:49:37 1994`
    if words.count >= 5, words[2].first?.isNumber == true {
      return date(year: words[4], month: words[1], day: words[2], time: words[3], zone: "GMT", now)
    }
    return nil
  }

  private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

  private static func date(
    year: String, month: String, day: String, time: String, zone: String, _ now: Date
  ) -> Date? {
    guard let month = months.firstIndex(of: month.prefix(3).lowercased()), var fullYear = Int(year), let day = Int(day),
      let offset = offset(of: zone)
    else { return nil }
    let clock = time.split(separator: ":").map { Int($0) }
    guard (2...3).contains(clock.count), let hour = clock[0], let minute = clock[1] else { return nil }
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = TimeZone(secondsFromGMT: 0) ?? calendar.timeZone
    if year.count <= 2 {
      // More than 50 years ahead is the past one with the same last digits.
      let current = calendar.component(.year, from: now)
      fullYear += current / 100 * 100
      if fullYear > current + 50 { fullYear -= 100 }
    }
    let second = clock.count == 3 ? clock[2] ?? 0 : 0
    guard (1...31).contains(day), (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second) else {
      return nil
    }
    let parts = DateComponents(
      year: fullYear, month: month + 1, day: day, hour: hour, minute: minute, second: second)
    return calendar.date(from: parts)?.addingTimeInterval(-Double(offset))
  }

  /// Seconds east of Greenwich.
  private static func offset(of zone: String) -> Int? {
    if ["gmt", "utc", "ut", "z"].contains(zone.lowercased()) { return 0 }
    guard let match = zone.wholeMatch(of: /([+-])([0-9]{2}):?([0-9]{2})/), let hours = Int(match.2),
      let minutes = Int(match.3)
    else { return nil }
    return (match.1 == "-" ? -1 : 1) * (hours * 3600 + minutes * 60)
  }

  private static func iso(_ text: String) -> Date? {
    // `try?`: what is no such date is no date.
    (try? Date.ISO8601FormatStyle(includingFractionalSeconds: false).parse(text))
      ?? (try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(text))
  }
}
