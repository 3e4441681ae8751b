/// Durations as people write them: `250ms`, `10s`, `5m`, `2h`, `7d`; a bare number is seconds.
public enum DurationText {
  public static func parse(_ text: String) -> Duration? {
    let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    guard let value = Double(number), value.isFinite, value >= 0, value < 1e9 else { return nil }
    return switch text.dropFirst(number.count) {
    case "ms": .milliseconds(value)
    case "", "s": .seconds(value)
    case "m": .seconds(value * 60)
    case "h": .seconds(value * 3600)
    case "d": .seconds(value * 86_400)
    default: nil
    }
  }
}
