import PhoneNumbers
import Testing

@Suite struct PhoneNumberTests {
  @Test(
    "A number is written as each provider wants it",
    arguments: [
      ("+85291234567", "85291234567", "91234567"), ("+12024561111", "12024561111", "2024561111"),
      ("+8613800138000", "8613800138000", "13800138000"), ("+79161234567", "79161234567", "9161234567"),
      ("+442079460018", "442079460018", "2079460018"), ("+390612345678", "390612345678", "0612345678"),
      ("+85366123456", "85366123456", "66123456"), ("+886912345678", "886912345678", "912345678"),
    ])
  func formats(e164: String, digits: String, national: String) throws {
    let number = try #require(PhoneNumber(e164: e164))
    #expect(number.formatted(.e164) == e164)
    #expect(number.formatted(.digits) == digits)
    #expect(number.formatted(.national) == national)
    #expect(number.countryCode + number.formatted(.national) == digits)
  }

  @Test(
    "Only E.164 is taken as it is",
    arguments: ["", "+", "91234567", "+852 91234567", "+0852912345", "+1234567890123456", "+85２91234567", "+12"])
  func refuses(text: String) {
    #expect(PhoneNumber(e164: text) == nil)
  }
}
