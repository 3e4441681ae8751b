/// How a text is written in an SMS.
public enum SMSEncoding: String, Sendable, CaseIterable, Codable {
  /// The GSM 7-bit default alphabet with its extension table; a unit is a septet.
  case gsm7
  /// Two bytes a unit; a unit is one of UTF-16.
  case ucs2

  /// How many units a single SMS holds.
  public var singleCapacity: Int {
    switch self {
    case .gsm7: 160
    case .ucs2: 70
    }
  }

  /// How many units each part of a longer text holds, besides the header that joins the parts.
  public var partCapacity: Int {
    switch self {
    case .gsm7: 153
    case .ucs2: 67
    }
  }
}
