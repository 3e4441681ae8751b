import FoundationEssentials

/// PostgreSQL's ISO form of `timestamptz` in UTC: `2026-11-21 08:15:30.123456+00`, to the microsecond.
enum TimestampText {
  /// The text of an instant in microseconds since 1970.
  static func text(microseconds: Int64) -> String {
    let (days, ofDay) = floorDivision(microseconds, by: 86_400_000_000)
    let (year, month, day) = date(ofDay: days)
    let seconds = ofDay / 1_000_000
    var text = [UInt8]()
    text.reserveCapacity(32)
    // There is no year 0: 1 BC precedes 1 AD.
    put(year > 0 ? year : 1 - year, width: 4, into: &text)
    for (separator, value) in [("-", month), ("-", day), (" ", seconds / 3600), (":", seconds / 60 % 60)] {
      text.append(contentsOf: separator.utf8)
      put(value, width: 2, into: &text)
    }
    text.append(UInt8(ascii: ":"))
    put(seconds % 60, width: 2, into: &text)
    text.append(UInt8(ascii: "."))
    put(ofDay % 1_000_000, width: 6, into: &text)
    text.append(contentsOf: year > 0 ? "+00".utf8 : "+00 BC".utf8)
    return String(decoding: text, as: UTF8.self)
  }

  /// Microseconds since 1970; `nil` for any other form, also for another zone and for infinity.
  static func microseconds(_ text: ArraySlice<UInt8>) -> Int64? {
    var rest = text
    guard let year = number(&rest, digits: 4...6), skip(&rest, "-"), let month = number(&rest, digits: 2...2),
      skip(&rest, "-"), let day = number(&rest, digits: 2...2), skip(&rest, " "),
      let hour = number(&rest, digits: 2...2), skip(&rest, ":"), let minute = number(&rest, digits: 2...2),
      skip(&rest, ":"), let second = number(&rest, digits: 2...2)
    else { return nil }
    var fraction: Int64 = 0
    if skip(&rest, ".") {
      let count = rest.prefix { $0 >= 48 && $0 <= 57 }.count
      guard let value = number(&rest, digits: 1...6) else { return nil }
      fraction = value
      for _ in count..<6 { fraction *= 10 }
    }
    guard skip(&rest, "+00") else { return nil }
    let isBeforeChrist = skip(&rest, " BC")
    guard rest.isEmpty else { return nil }
    let days = dayNumber(year: isBeforeChrist ? 1 - year : year, month: month, day: day)
    return (days * 86_400 + hour * 3600 + minute * 60 + second) * 1_000_000 + fraction
  }

  private static func put(_ value: Int64, width: Int, into text: inout [UInt8]) {
    var divisor: Int64 = 1
    for _ in 1..<width { divisor *= 10 }
    while value / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      text.append(UInt8(48 + value / divisor % 10))
      divisor /= 10
    }
  }

  private static func number(_ rest: inout ArraySlice<UInt8>, digits: ClosedRange<Int>) -> Int64? {
    var value: Int64 = 0
    var count = 0
    while count < digits.upperBound, let byte = rest.first, byte >= 48, byte <= 57 {
      value = value * 10 + Int64(byte - 48)
      rest.removeFirst()
      count += 1
    }
    return digits.contains(count) ? value : nil
  }

  private static func skip(_ rest: inout ArraySlice<UInt8>, _ expected: StaticString) -> Bool {
    let matches = expected.withUTF8Buffer { rest.starts(with: $0) }
    if matches { rest.removeFirst(expected.utf8CodeUnitCount) }
    return matches
  }

  /// The proleptic Gregorian date of a day number since 1970-01-01; years start in March, so that the leap day is last.
  private static func date(ofDay days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let (era, ofEra) = floorDivision(days + 719_468, by: 146_097)
    let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
    let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * ofYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, ofYear - (153 * shifted + 2) / 5 + 1)
  }

  private static func dayNumber(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let (era, yearOfEra) = floorDivision(shifted, by: 400)
    let ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + ofYear - 719_468
  }

  private static func floorDivision(_ value: Int64, by divisor: Int64) -> (Int64, Int64) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}

/// Bound and read as `timestamptz`, rounded to the microsecond.
extension Date: PostgresScalar {
  public static var postgresType: PostgresType { .timestamptz }

  public var postgresText: Result<String, PostgresDecodingFailure> {
    guard let microseconds = Int64(exactly: (timeIntervalSince1970 * 1_000_000).rounded()) else {
      return .failure(PostgresDecodingFailure("is beyond any timestamp"))
    }
    return .success(TimestampText.text(microseconds: microseconds))
  }

  public init(postgresScalar text: ArraySlice<UInt8>) throws {
    guard let microseconds = TimestampText.microseconds(text) else {
      throw PostgresDecodingFailure.expected("a finite timestamptz")
    }
    self.init(timeIntervalSince1970: Double(microseconds) / 1_000_000)
  }
}
