import CPhoneNumber

/// Reads telephone numbers as people write them; usable from any thread.
///
/// A number is read in one way or not at all: with `+` or `00` and a country code, as one of the default region, or, in Hong
/// Kong and Macau, as one of 852, 853 or 86 that has its whole length and lacks the `+`.
public struct PhoneNumberParser: Sendable {
  /// How much has to be right.
  public enum Check: String, Sendable, CaseIterable {
    /// A mobile number of its country may have this length.
    case possible
    /// It is also not known to be something else, such as a landline.
    case mobile
    /// It is also in a range that its country has assigned.
    case valid
  }

  /// A number that can be sent to.
  public struct Reading: Sendable, Hashable {
    public var number: PhoneNumber
    /// Why an SMS may not arrive.
    public var doubt: PhoneNumberDoubt?
  }

  private let defaultRegion: String
  private let countryCode: String
  private let check: Check

  /// - Parameter defaultRegion: The country of numbers without a country code, by its two letters.
  public init(defaultRegion: String = "HK", check: Check = .possible) {
    self.defaultRegion = defaultRegion
    self.check = check
    countryCode = String(sluice_phone_country_code(defaultRegion))
  }

  /// Whether a region can be a default region.
  public static func isKnown(region: String) -> Bool { sluice_phone_country_code(region) != 0 }

  /// Reads one number.
  public func parse(_ text: String) -> Result<PhoneNumber, PhoneNumberError> {
    guard let written = NumberText(text) else { return .failure(PhoneNumberError(.notANumber)) }
    return read(written, seeksDoubt: check != .possible).map(\.number)
  }

  /// Reads one number, with what speaks against it.
  public func read(_ text: String) -> Result<Reading, PhoneNumberError> {
    guard let written = NumberText(text) else { return .failure(PhoneNumberError(.notANumber)) }
    return read(written, seeksDoubt: true)
  }

  /// The digits of a part of a number, for a search; `nil` for what is not written as one.
  public static func digits(ofPart text: String) -> String? { NumberText(text)?.digits }

  private func read(_ written: NumberText, seeksDoubt: Bool) -> Result<Reading, PhoneNumberError> {
    let digits = written.digits
    func international(_ digits: some StringProtocol) -> Result<Reading, PhoneNumberError> {
      library("+\(digits)", seeksDoubt: seeksDoubt)
    }
    if written.hasPlus { return checked(international(digits)) }
    if digits.hasPrefix("00") {
      let reading = international(digits.dropFirst(2))
      // Hong Kong dials 001 for abroad, too, where North America's code would follow 00.
      guard defaultRegion == "HK", digits.hasPrefix("001") else { return checked(reading) }
      switch (reading, international(digits.dropFirst(3))) {
      case (.success, .success): return .failure(PhoneNumberError(.ambiguous))
      case (.failure, .success(let other)): return checked(.success(other))
      case (_, .failure): return checked(reading)
      }
    }
    let national = international(countryCode + digits)
    if case .success = national { return checked(national) }
    for code in Set([countryCode]).union(["HK", "MO"].contains(defaultRegion) ? ["852", "853", "86"] : [])
    where digits.hasPrefix(code) {
      let whole = international(digits)
      if case .success = whole { return checked(whole) }
    }
    let dialled = library(digits, seeksDoubt: seeksDoubt)
    if case .success = dialled { return checked(dialled) }
    return national
  }

  private func checked(_ reading: Result<Reading, PhoneNumberError>) -> Result<Reading, PhoneNumberError> {
    guard case .success(let read) = reading, let doubt = read.doubt, check != .possible else { return reading }
    switch doubt {
    case .notMobile: return .failure(PhoneNumberError(.notMobile))
    case .notAssigned: return check == .valid ? .failure(PhoneNumberError(.notValid)) : reading
    }
  }

  /// - Parameter text: ASCII digits, after `+` or as they are dialled in the default region.
  private func library(_ text: String, seeksDoubt: Bool) -> Result<Reading, PhoneNumberError> {
    var text = text
    var e164 = [CChar](repeating: 0, count: Int(SLUICE_PHONE_CAPACITY))
    var range: CInt = 0
    let code = text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { characters -> Int32 in
        guard let start = characters.baseAddress else { return Int32(SLUICE_PHONE_NOT_A_NUMBER.rawValue) }
        return withUnsafeMutablePointer(to: &range) { range in
          sluice_phone_read(start, characters.count, defaultRegion, &e164, seeksDoubt ? range : nil)
        }
      }
    }
    switch sluice_phone_result(UInt32(bitPattern: code)) {
    case SLUICE_PHONE_OK:
      let digits = String(decoding: e164.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      guard let number = PhoneNumber(e164: digits) else { return .failure(PhoneNumberError(.tooLong)) }
      switch sluice_phone_range(UInt32(bitPattern: range)) {
      case SLUICE_PHONE_RANGE_OTHER: return .success(Reading(number: number, doubt: .notMobile))
      case SLUICE_PHONE_RANGE_UNASSIGNED: return .success(Reading(number: number, doubt: .notAssigned))
      default: return .success(Reading(number: number))
      }
    case SLUICE_PHONE_TOO_SHORT: return .failure(PhoneNumberError(.tooShort))
    case SLUICE_PHONE_TOO_LONG: return .failure(PhoneNumberError(.tooLong))
    case SLUICE_PHONE_INVALID_COUNTRY: return .failure(PhoneNumberError(.invalidCountry))
    case SLUICE_PHONE_NOT_MOBILE: return .failure(PhoneNumberError(.notMobile))
    default: return .failure(PhoneNumberError(.notANumber))
    }
  }
}
