import Foundation

/// An instant in UTC to the microsecond, PostgreSQL's own precision. Its text is ISO 8601 with `Z`.
public struct Timestamp: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
  /// Microseconds since 1970-01-01T00:00:00Z.
  public var microseconds: Int64

  public init(microseconds: Int64) { self.microseconds = microseconds }

  public init(_ date: Date) {
    microseconds = Int64((date.timeIntervalSince1970 * 1_000_000).rounded())
  }

  /// 1970-01-01T00:00:00Z: a deadline that has always passed.
  public static let distantPast = Timestamp(microseconds: 0)

  /// Now by this machine's clock. Deadlines are judged by PostgreSQL's clock instead.
  public static func now() -> Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
  }

  /// Seconds since 1970-01-01T00:00:00Z, for arithmetic of rates.
  public init(seconds: Double) { microseconds = Int64((seconds * 1_000_000).rounded(.up)) }

  /// Seconds since 1970-01-01T00:00:00Z.
  public var seconds: Double { Double(microseconds) / 1_000_000 }

  public var date: Date { Date(timeIntervalSince1970: Double(microseconds) / 1_000_000) }

  public static func < (left: Self, right: Self) -> Bool { left.microseconds < right.microseconds }

  /// Moves by a duration, to the microsecond.
  public static func + (time: Self, duration: Duration) -> Self {
    let (seconds, attoseconds) = duration.components
    return Timestamp(microseconds: time.microseconds + seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
  }

  /// The time from `right` to `left`.
  public static func - (left: Self, right: Self) -> Duration {
    .microseconds(left.microseconds - right.microseconds)
  }

  /// With milliseconds, as the HTTP API shows times: `2026-11-21T08:15:30.123Z`.
  public var description: String { text(fractionDigits: 3) }

  /// ISO 8601 with this many digits (3 or 6) after the second; what lies beyond is cut off.
  public func text(fractionDigits: Int) -> String {
    let (days, ofDay) = microseconds.quotientAndRemainder(floor: 86_400_000_000)
    let (year, month, day) = civil(fromDays: days)
    let seconds = ofDay / 1_000_000
    var digits = [UInt8]()
    digits.reserveCapacity(27)
    func put(_ value: Int64, _ width: Int) {
      var divisor: Int64 = 1
      for _ in 1..<width { divisor *= 10 }
      while divisor > 0 {
        digits.append(UInt8(48 + value / divisor % 10))
        divisor /= 10
      }
    }
    put(year, 4)
    digits.append(UInt8(ascii: "-"))
    put(month, 2)
    digits.append(UInt8(ascii: "-"))
    put(day, 2)
    digits.append(UInt8(ascii: "T"))
    put(seconds / 3600, 2)
    digits.append(UInt8(ascii: ":"))
    put(seconds / 60 % 60, 2)
    digits.append(UInt8(ascii: ":"))
    put(seconds % 60, 2)
    digits.append(UInt8(ascii: "."))
    let fraction = ofDay % 1_000_000
    put(fractionDigits == 3 ? fraction / 1000 : fraction, fractionDigits == 3 ? 3 : 6)
    digits.append(UInt8(ascii: "Z"))
    return String(decoding: digits, as: UTF8.self)
  }

  /// Reads ISO 8601 as the libraries of common languages write it: RFC 3339, `2026-11-21T08:15:30Z`, with 0 to 9 digits after
  /// the second and `Z` or `+hh:mm`; without seconds (Java), with `+hhmm` (PHP) or `+hh` (PostgreSQL), and with the zone's name
  /// after the offset, `[Asia/Hong_Kong]` (RFC 9557). A time without a zone is none: it is not guessed.
  public init?(_ text: String) {
    var rest = text.utf8[...]
    func number(_ width: Int) -> Int64? {
      guard rest.count >= width else { return nil }
      var value: Int64 = 0
      for byte in rest.prefix(width) {
        guard byte >= 48, byte <= 57 else { return nil }
        value = value * 10 + Int64(byte - 48)
      }
      rest = rest.dropFirst(width)
      return value
    }
    func skip(_ characters: String) -> UInt8? {
      guard let byte = rest.first, characters.utf8.contains(byte) else { return nil }
      rest = rest.dropFirst()
      return byte
    }
    guard let year = number(4), skip("-") != nil, let month = number(2), skip("-") != nil, let day = number(2),
      skip("Tt ") != nil, let hour = number(2), skip(":") != nil, let minute = number(2), (1...12).contains(month),
      hour < 24, minute < 60
    else { return nil }
    let hasSeconds = skip(":") != nil
    guard let second = hasSeconds ? number(2) : 0, second <= 60 else { return nil }
    let days = daysFromCivil(year, month, day)
    guard civil(fromDays: days) == (year, month, day) else { return nil }
    var fraction: Int64 = 0
    if hasSeconds, skip(".,") != nil {
      var scale: Int64 = 100_000
      var count = 0
      while let digit = number(1) {
        fraction += digit * scale
        scale /= 10
        count += 1
      }
      guard (1...9).contains(count) else { return nil }
    }
    guard let zone = skip("Zz+-") else { return nil }
    var offset: Int64 = 0
    if zone == UInt8(ascii: "+") || zone == UInt8(ascii: "-") {
      guard let hours = number(2),
        let minutes = skip(":") != nil || !rest.isEmpty && rest.first != UInt8(ascii: "[") ? number(2) : 0, hours < 24,
        minutes < 60
      else { return nil }
      offset = (hours * 60 + minutes) * (zone == UInt8(ascii: "+") ? 60 : -60)
    }
    // The offset counts; the name is for people.
    if skip("[") != nil {
      guard rest.count > 1, rest.last == UInt8(ascii: "]"), rest.dropLast().allSatisfy(Self.isOfZoneName) else {
        return nil
      }
      rest = rest.suffix(0)
    }
    guard rest.isEmpty else { return nil }
    microseconds = (days * 86_400 + hour * 3600 + minute * 60 + second - offset) * 1_000_000 + fraction
  }

  private static func isOfZoneName(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "/_+-:".utf8.contains(byte)
    }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    guard let time = Timestamp(try container.decode(String.self)) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an ISO 8601 time")
    }
    self = time
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text(fractionDigits: 6))
  }
}

/// The proleptic Gregorian date of a day number since 1970-01-01.
private func civil(fromDays days: Int64) -> (Int64, Int64, Int64) {
  let (era, ofEra) = (days + 719_468).quotientAndRemainder(floor: 146_097)
  let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
  let dayOfYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let shifted = (5 * dayOfYear + 2) / 153
  let month = shifted < 10 ? shifted + 3 : shifted - 9
  return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
}

/// The day number since 1970-01-01 of a proleptic Gregorian date.
private func daysFromCivil(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
  let shiftedYear = month <= 2 ? year - 1 : year
  let (era, yearOfEra) = shiftedYear.quotientAndRemainder(floor: 400)
  let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
  return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
}

extension Int64 {
  /// Division that rounds towards minus infinity, so that the remainder is never negative.
  fileprivate func quotientAndRemainder(floor divisor: Int64) -> (Int64, Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}
