/// The two shapes of a body that asks for SMS.
enum SubmissionForm: Sendable {
  /// One number, by the names of either predecessor.
  case single
  /// A list of numbers.
  case bulk

  /// The form that a body with these members has.
  init(members: [String]) { self = members.contains { Self.bulk.recipientNames.contains($0) } ? .bulk : .single }

  /// The names of the member with the number or numbers; one of them must be there.
  var recipientNames: [String] {
    switch self {
    case .single: ["recipient", "phone"]
    case .bulk: ["recipients"]
    }
  }

  /// The names of the member with the text; one of them must be there.
  var contentNames: [String] {
    switch self {
    case .single: ["content", "text"]
    case .bulk: ["content"]
    }
  }

  /// How a number is named in an error.
  func field(_ name: String, at index: Int) -> String {
    switch self {
    case .single: name
    case .bulk: "\(name)[\(index)]"
    }
  }
}
