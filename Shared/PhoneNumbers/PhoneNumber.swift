/// A telephone number in E.164 form.
public struct PhoneNumber: Sendable, Hashable {
  /// `+`, the country code and the number: at most 15 digits.
  public let e164: String

  /// Takes a number that is in E.164 form already; `nil` when it is not. Nothing else is checked.
  public init?(e164: String) {
    let digits = e164.utf8.dropFirst()
    guard e164.utf8.first == UInt8(ascii: "+"), (4...15).contains(digits.count), digits.first != UInt8(ascii: "0"),
      digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    else { return nil }
    self.e164 = e164
  }

  /// The number in a provider's format.
  public func formatted(_ format: NumberFormat) -> String {
    switch format {
    case .e164: e164
    case .digits: String(e164.dropFirst())
    case .national: String(e164.dropFirst(1 + CountryCode.length(inDigits: e164.dropFirst())))
    }
  }

  /// The country code's digits, such as `852`.
  public var countryCode: String {
    let digits = e164.dropFirst()
    return String(digits.prefix(CountryCode.length(inDigits: digits)))
  }
}
