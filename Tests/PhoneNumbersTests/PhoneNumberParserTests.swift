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

  @Test(
    "00 and a country code are +, and a country code without + needs the whole length of its numbers",
    arguments: [
      ("00853 6612 3456", "+85366123456"), ("0086 138 0013 8000", "+8613800138000"),
      ("00852 9123 4567", "+85291234567"),
      ("001 202 456 1111", "+12024561111"), ("001 852 9123 4567", "+85291234567"), ("853 6612 3456", "+85366123456"),
      ("86 138 0013 8000", "+8613800138000"), ("852-9123-4567", "+85291234567"), ("85312345", "+85285312345"),
    ])
  func countryCodes(text: String, expected: String) {
    #expect(possible.parse(text) == .success(number(expected)))
  }

  @Test(
    "What cannot be a mobile number of its region is refused, and no digit is taken from an amount, a date, a list or a remark",
    arguments: [
      ("91234567.0", PhoneNumberError.Code.notANumber), ("9123456.0", .notANumber), ("123456.50", .notANumber),
      ("1. 91234567", .notANumber), ("1. 9123456", .notANumber), ("(1) 9123456", .notANumber),
      ("9123 4567 (2)", .notANumber), ("9123 456 (2)", .notANumber), ("1990-01-02", .notANumber),
      ("02-01-1990", .notANumber), ("2.1.1990", .notANumber), ("13800138000", .tooLong), ("9123456", .tooShort),
      ("912345678", .tooLong), ("12345", .tooShort), ("123456", .tooShort),
      ("8529123456", .tooLong), ("8613800138", .tooLong), ("+852 (0) 9123 4567", .tooLong),
      ("+86 10 6552 9988", .tooShort),
      ("91234567\n91234568", .notANumber), ("91234567 91234568", .tooLong), ("001 65 9123 4567", .ambiguous),
      ("+00852 9123 4567", .invalidCountry), ("9.1234567E7", .notANumber),
    ])
  func refusesWhatNobodyWrote(text: String, code: PhoneNumberError.Code) {
    #expect(possible.parse(text) == .failure(PhoneNumberError(code)))
  }

  @Test(
    "What spreadsheets, telephones and keyboards put around digits is no part of a number",
    arguments: [
      "9123\u{A0}4567", "9123\u{202F}4567", "9123\u{2011}4567", "9123\u{2212}4567", "\u{202A}91234567\u{202C}",
      "\u{200E}+852 9123 4567\u{200F}", "\u{FEFF}91234567", "9123\u{200D}4567", "9\u{FE0D}1234567", "9123\u{200B}4567",
      "９１２３　４５６７", "＋８５２９１２３４５６７", "'91234567", "’91234567", "=\"91234567\"", "tel:+85291234567", "(+852) 9123 4567",
      "9123.4567", "91.23.45.67", "\u{0669}1234567", "91234567\t",
    ])
  func readsWhatProgramsWrite(text: String) {
    #expect(possible.parse(text) == .success(number("+85291234567")))
  }

  @Test("A landline and a range that is not assigned are doubts; mobile refuses the first, valid both")
  func check() {
    func read(_ parser: PhoneNumberParser, _ text: String) -> Result<PhoneNumberDoubt?, PhoneNumberError> {
      parser.read(text).map(\.doubt)
    }
    let mobile = PhoneNumberParser(defaultRegion: "HK", check: .mobile)
    #expect(read(possible, "9123 4567") == .success(nil) && read(valid, "9123 4567") == .success(nil))
    #expect(read(possible, "+1 202 456 1111") == .success(nil), "one range for both kinds")
    #expect(read(possible, "2888 1234") == .success(.notMobile))
    #expect(read(mobile, "2888 1234") == .failure(PhoneNumberError(.notMobile)))
    #expect(read(valid, "2888 1234") == .failure(PhoneNumberError(.notMobile)))
    #expect(
      read(possible, "1234 5678") == .success(.notAssigned) && read(mobile, "1234 5678") == .success(.notAssigned))
    #expect(valid.parse("1234 5678") == .failure(PhoneNumberError(.notValid)))
    #expect(possible.parse("1234 5678") == .success(number("+85212345678")))
  }

  @Test("The default region is only for numbers without a country code")
  func region() {
    let american = PhoneNumberParser(defaultRegion: "US")
    #expect(american.parse("011 852 9123 4567") == .success(number("+85291234567")))
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
