import PhoneNumbers

/// The numbers of one request, normalised and each once.
struct RecipientList {
  private(set) var numbers: [String] = []
  private(set) var duplicates: [String] = []
  private(set) var rejected: [Submission.Rejected] = []
  private var seen: Set<String> = []

  mutating func add(_ text: String, at index: Int, parser: PhoneNumberParser, limits: SubmissionLimits) {
    guard text.utf8.count <= limits.numberBytes else {
      rejected.append(.init(index: index, phone: text, code: "too_long", message: "Too long for a number"))
      return
    }
    switch parser.parse(text) {
    case .success(let number):
      let e164 = number.e164
      if seen.insert(e164).inserted { numbers.append(e164) } else { duplicates.append(e164) }
    case .failure(let error):
      rejected.append(.init(index: index, phone: text, code: error.code.rawValue, message: error.message))
    }
  }
}
