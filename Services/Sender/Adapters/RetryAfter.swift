import Contracts
import Foundation

/// The `Retry-After` header: seconds or an HTTP date (RFC 9110 §10.2.3).
enum RetryAfter {
  /// Seconds to wait, `nil` without a readable header. Names are expected in lower case.
  static func seconds(in headers: [(String, String)], now: Timestamp) -> Double? {
    guard let value = headers.first(where: { $0.0 == "retry-after" })?.1.trimmingCharacters(in: .whitespaces) else {
      return nil
    }
    if let seconds = Double(value) { return seconds >= 0 && seconds.isFinite ? seconds : nil }
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(identifier: "GMT")
    format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
    return format.date(from: value).map { max(0, $0.timeIntervalSince(now.date)) }
  }
}
