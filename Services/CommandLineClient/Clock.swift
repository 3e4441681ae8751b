import Foundation

/// Times as people read them.
enum Clock {
  /// A time of the gateway in this machine's zone, which is named: the hour when it is within a day, else with the date.
  static func text(_ time: String?) -> String {
    guard let date = time.flatMap(date) else { return "–" }
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_GB")
    formatter.dateFormat = abs(date.timeIntervalSinceNow) < 20 * 3_600 ? "HH:mm:ssxxx" : "yyyy-MM-dd HH:mmxxx"
    return formatter.string(from: date)
  }

  /// `50 s`, `12 min`, `3.5 h`, `2 days`
  static func span(_ seconds: Double?) -> String {
    switch seconds {
    case nil: "–"
    case let seconds? where seconds < 90: "\(Int(seconds.rounded())) s"
    case let seconds? where seconds < 5_400: "\(Int((seconds / 60).rounded())) min"
    case let seconds? where seconds < 172_800: String(format: "%.1f h", seconds / 3_600)
    case let seconds?: "\(Int((seconds / 86_400).rounded())) days"
    }
  }

  static func date(_ text: String) -> Date? {
    try? Date(text, strategy: .iso8601.year().month().day().time(includingFractionalSeconds: true))
  }
}
