/// Why a text is no number that an SMS can be sent to.
public struct PhoneNumberError: Error, Sendable, Hashable {
  /// A stable name of the reason.
  public enum Code: String, Sendable, CaseIterable {
    case notANumber = "not_a_number"
    case tooShort = "too_short"
    case tooLong = "too_long"
    case invalidCountry = "invalid_country"
    /// Two readings are possible, of two countries.
    case ambiguous
    case notMobile = "not_mobile"
    case notValid = "not_valid"
  }

  /// A stable name of the reason.
  public let code: Code

  /// A sentence for people, without the number.
  public var message: String {
    switch code {
    case .notANumber: "This is not a telephone number."
    case .tooShort: "The number is too short for a mobile number of its country."
    case .tooLong: "The number is too long for a mobile number of its country."
    case .invalidCountry: "The number's country code does not exist."
    case .ambiguous: "The number's country is not clear. Write it with + and the country code."
    case .notMobile: "The number is not a mobile number: it cannot receive SMS."
    case .notValid: "No such number is in use in its country."
    }
  }

  /// Creates an error with this code.
  public init(_ code: Code) { self.code = code }
}
