/// Where a country code ends: the codes of ITU-T E.164 are free of prefixes.
enum CountryCode {
  /// How many of the first digits are the country code.
  static func length(inDigits digits: Substring) -> Int {
    guard let first = digits.first, first != "1", first != "7" else { return 1 }
    return twoDigits.contains(String(digits.prefix(2))) ? 2 : 3
  }

  private static let twoDigits: Set<String> = [
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49", "51",
    "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84", "86", "90",
    "91", "92", "93", "94", "95", "98",
  ]
}
