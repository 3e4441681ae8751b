import CPhoneNumber

/// Reads telephone numbers as people write them; usable from any thread.
public struct PhoneNumberParser: Sendable {
  /// How much has to be right.
  public enum Check: String, Sendable, CaseIterable {
    /// The length fits the country.
    case possible
    /// The number is also in a range that its country has assigned.
    case valid
  }

  private let defaultRegion: String
  private let check: Check

  /// - Parameter defaultRegion: The country of numbers without a country code, by its two letters.
  public init(defaultRegion: String = "HK", check: Check = .possible) {
    self.defaultRegion = defaultRegion
    self.check = check
  }

  /// Whether a region can be a default region.
  public static func isKnown(region: String) -> Bool { sluice_phone_knows_region(region) != 0 }

  /// Reads one number; spaces, hyphens, brackets and full-width digits are allowed, letters and extensions are not.
  public func parse(_ text: String) -> Result<PhoneNumber, PhoneNumberError> {
    guard !text.unicodeScalars.contains(where: Self.isForeign) else { return .failure(PhoneNumberError(.notANumber)) }
    var text = text
    var e164 = [CChar](repeating: 0, count: Int(SLUICE_PHONE_CAPACITY))
    let code = text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) { characters -> Int32 in
        guard let start = characters.baseAddress else { return Int32(SLUICE_PHONE_NOT_A_NUMBER.rawValue) }
        return sluice_phone_parse(start, characters.count, defaultRegion, check == .valid ? 1 : 0, &e164)
      }
    }
    switch sluice_phone_result(UInt32(bitPattern: code)) {
    case SLUICE_PHONE_OK:
      let digits = String(decoding: e164.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      guard let number = PhoneNumber(e164: digits) else { return .failure(PhoneNumberError(.tooLong)) }
      return .success(number)
    case SLUICE_PHONE_TOO_SHORT: return .failure(PhoneNumberError(.tooShort))
    case SLUICE_PHONE_TOO_LONG: return .failure(PhoneNumberError(.tooLong))
    case SLUICE_PHONE_INVALID_COUNTRY: return .failure(PhoneNumberError(.invalidCountry))
    case SLUICE_PHONE_NOT_VALID: return .failure(PhoneNumberError(.notValid))
    default: return .failure(PhoneNumberError(.notANumber))
    }
  }

  /// The library reads letters as the keys they are on, and drops what follows a separator, such as a second number.
  private static func isForeign(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isAlphabetic || ";,/\\|=#*@\0".unicodeScalars.contains(scalar)
  }
}
