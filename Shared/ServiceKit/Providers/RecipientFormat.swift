/// How a provider wants a recipient's number written.
public enum RecipientFormat: String, Sendable, CaseIterable, Hashable {
  /// `+85291234567`
  case e164
  /// `85291234567`
  case digits
  /// `91234567`: without the country calling code.
  case national

  /// An E.164 number in this form.
  public func text(of e164: String) -> String {
    let digits = e164.hasPrefix("+") ? String(e164.dropFirst()) : e164
    return switch self {
    case .e164: "+\(digits)"
    case .digits: digits
    case .national: String(digits.dropFirst(Self.callingCodeLength(digits)))
    }
  }

  /// ITU-T E.164 assigns calling codes so that none begins another: one digit for zones 1 and 7, else two where listed
  /// here, else three.
  private static func callingCodeLength(_ digits: String) -> Int {
    if digits.hasPrefix("1") || digits.hasPrefix("7") { return 1 }
    return twoDigitCodes.contains(String(digits.prefix(2))) ? 2 : 3
  }

  private static let twoDigitCodes: Set<String> = [
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49", "51",
    "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84", "86", "90",
    "91", "92", "93", "94", "95", "98",
  ]
}
