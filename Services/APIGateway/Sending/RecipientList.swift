import PhoneNumbers

/// The numbers of one request, normalised and each once.
struct RecipientList {
  private(set) var numbers: [String] = []
  private(set) var duplicates: [String] = []
  private(set) var rejected: [Submission.Rejected] = []
  private(set) var warnings: [Submission.Warning] = []
  private var seen: Set<String> = []

  mutating func add(_ text: String, at index: Int, parser: PhoneNumberParser, limits: SubmissionLimits) {
    guard text.utf8.count <= limits.numberBytes else {
      rejected.append(.init(index: index, phone: text, code: "too_long", message: "Too long for a number"))
      return
    }
    switch parser.read(text) {
    case .success(let reading):
      let e164 = reading.number.e164
      guard seen.insert(e164).inserted else {
        duplicates.append(e164)
        return
      }
      numbers.append(e164)
      if let doubt = reading.doubt {
        warnings.append(.init(index: index, phone: e164, code: doubt.rawValue, message: doubt.message))
      }
    case .failure(let error):
      rejected.append(.init(index: index, phone: text, code: error.code.rawValue, message: error.message))
    }
  }
}
