import Contracts
import PhoneNumbers

/// Which messages a list shows.
struct MessageFilter: Sendable {
  /// Those of lists of one's own.
  static let parameters: Set<String> = [
    "status", "job_status", "class", "reference", "phone", "q", "from", "to", "limit", "cursor", "page", "per_page",
  ]

  /// Whose; `nil` for everybody's.
  var owner: UserID?
  var jobStatuses: [JobStatus]?
  var messageClass: MessageClass?
  var reference: String?
  /// E.164.
  var phone: String?
  /// Digits that a number has somewhere.
  var phonePart: String?
  /// A part of the content, in upper or lower case.
  var text: String?
  /// From this time on.
  var from: Timestamp?
  /// Until this time, with it.
  var to: Timestamp?

  init(owner: UserID?) { self.owner = owner }

  init(_ query: Query, owner: UserID?, parser: PhoneNumberParser) throws {
    self.owner = owner
    let coarse: CoarseStatus? = try query.choice("status")
    let exact: JobStatus? = try query.choice("job_status")
    if let exact {
      jobStatuses = coarse.map { $0.jobStatuses.contains(exact) ? [exact] : [] } ?? [exact]
    } else {
      jobStatuses = coarse?.jobStatuses
    }
    messageClass = try query.choice("class")
    reference = query.string("reference")
    if let reference, reference.unicodeScalars.count > 255 {
      throw APIError.invalidField("reference", "too_long", "At most 255 characters are allowed")
    }
    phonePart = Self.phonePart(query, parser)
    phone = phonePart == nil ? try Self.phone(query, parser) : nil
    text = try query.text("q")
    from = try query.time("from")
    to = try query.timeEnd("to")
  }

  /// The digits of what is written as a number and is no whole one; at least three, since fewer say nothing.
  private static func phonePart(_ query: Query, _ parser: PhoneNumberParser) -> String? {
    guard let text = query.string("phone"), case .failure = parser.parse(text),
      let digits = PhoneNumberParser.digits(ofPart: text), (3...15).contains(digits.utf8.count), text.first != " "
    else { return nil }
    return digits
  }

  static func phone(_ query: Query, _ parser: PhoneNumberParser) throws -> String? {
    guard let text = query.string("phone") else { return nil }
    // A country code's `+` that was not escaped came as a space.
    guard case .success(let number) = parser.parse(text.first == " " ? "+\(text.dropFirst())" : text) else {
      throw APIError.invalidField("phone", "not_a_number", "Must be a phone number")
    }
    return number.e164
  }
}
