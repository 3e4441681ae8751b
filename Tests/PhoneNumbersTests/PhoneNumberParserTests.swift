import PhoneNumbers
import Testing

@Suite struct PhoneNumberParserTests {
  private let possible = PhoneNumberParser(defaultRegion: "HK", check: .possible)
  private let valid = PhoneNumberParser(defaultRegion: "HK", check: .valid)

  @Test(
    "Numbers are read as people write them",
    arguments: [
      ("9123 4567", "+85291234567"), ("91234567", "+85291234567"), ("+852 9123 4567", "+85291234567"),
      ("+852-9123-4567", "+85291234567"), ("(852) 91234567", "+85291234567"), ("85291234567", "+85291234567"),
      ("９１２３４５６７", "+85291234567"), (" 9123\u{A0}4567 ", "+85291234567"), ("1234 5678", "+85212345678"),
      ("+86 138 0013 8000", "+8613800138000"), ("+1 (202) 456-1111", "+12024561111"),
      ("001 44 20 7946 0018", "+442079460018"), ("+39 06 1234 5678", "+390612345678"),
    ])
  func reads(text: String, expected: String) {
    #expect(possible.parse(text) == .success(number(expected)))
  }

  @Test(
    "What is no number says why",
    arguments: [
      ("", PhoneNumberError.Code.notANumber), ("   ", .notANumber), ("hello", .notANumber), ("12", .tooShort),
      ("+852 9123", .tooShort), ("+852 9123 4567 8901 2345", .tooLong), ("+999 1234 5678", .invalidCountry),
      ("1-800-FLOWERS", .notANumber), ("9123 4567 ext. 3", .notANumber), ("912345670000000000000000000", .tooLong),
      ("你好", .notANumber), ("\u{0}", .notANumber), ("+", .notANumber), ("9123;4567", .notANumber),
      ("91234567/98765432", .notANumber), ("91234567;1", .notANumber),
    ])
  func refuses(text: String, code: PhoneNumberError.Code) {
    #expect(possible.parse(text) == .failure(PhoneNumberError(code)))
  }

  @Test("A range that is not assigned is possible and not valid")
  func check() {
    #expect(possible.parse("1234 5678") == .success(number("+85212345678")))
    #expect(valid.parse("1234 5678") == .failure(PhoneNumberError(.notValid)))
    #expect(valid.parse("9123 4567") == .success(number("+85291234567")))
  }

  @Test("The default region is only for numbers without a country code")
  func region() {
    let american = PhoneNumberParser(defaultRegion: "US")
    #expect(american.parse("(202) 456-1111") == .success(number("+12024561111")))
    #expect(american.parse("+852 9123 4567") == .success(number("+85291234567")))
    #expect(PhoneNumberParser.isKnown(region: "HK"))
    #expect(!PhoneNumberParser.isKnown(region: "XX"))
    #expect(!PhoneNumberParser.isKnown(region: ""))
  }

  @Test("Many threads may parse at once")
  func threads() async {
    let parser = possible
    await withTaskGroup(of: Bool.self) { group in
      for index in 0..<200 {
        group.addTask {
          guard case .success(let number) = parser.parse("9\(1_000_000 + index)") else { return false }
          return number.e164 == "+8529\(1_000_000 + index)"
        }
      }
      for await isRight in group { #expect(isRight) }
    }
  }

  private func number(_ e164: String) -> PhoneNumber {
    guard let number = PhoneNumber(e164: e164) else { preconditionFailure("not E.164") }
    return number
  }
}
