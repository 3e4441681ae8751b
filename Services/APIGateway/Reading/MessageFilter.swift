import Contracts
import PhoneNumbers

/// Which of a user's messages a list shows.
struct MessageFilter: Sendable {
  static let parameters: Set<String> = [
    "status", "job_status", "class", "reference", "phone", "from", "to", "limit", "cursor", "page", "per_page",
  ]

  var jobStatuses: [JobStatus]?
  var messageClass: MessageClass?
  var reference: String?
  /// E.164.
  var phone: String?
  var from: Timestamp?
  var to: Timestamp?

  /// True when something else than the status is asked for.
  var isMoreThanStatus: Bool {
    messageClass != nil || reference != nil || phone != nil || from != nil || to != nil
  }

  init(_ query: Query, parser: PhoneNumberParser) throws {
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
    if let text = query.string("phone") {
      // A country code's `+` that was not escaped came as a space.
      guard case .success(let number) = parser.parse(text.first == " " ? "+\(text.dropFirst())" : text) else {
        throw APIError.invalidField("phone", "not_a_number", "Must be a phone number")
      }
      phone = number.e164
    }
    from = try Self.time(query, "from")
    to = try Self.time(query, "to")
  }

  private static func time(_ query: Query, _ name: String) throws -> Timestamp? {
    guard let text = query.plusString(name) else { return nil }
    guard let time = Timestamp(text) else {
      throw APIError.invalidField(name, "not_a_time", "Must be a time like 2026-11-21T08:15:30Z")
    }
    return time
  }
}

/// Which part of a list is asked for.
enum MessagePage: Sendable, Equatable {
  /// From 1, with the total counted, as the predecessor's clients page.
  case number(Int, size: Int)
  case after(PageCursor?, size: Int)

  init(_ query: Query) throws {
    let isNumbered = query.has("page") || query.has("per_page")
    guard !isNumbered || query.string("cursor") == nil else {
      throw APIError.invalidField("page", "conflict", "Page either by cursor and limit or by page and per_page")
    }
    if !isNumbered, query.has("cursor") || query.has("limit") {
      let size = try query.int("limit", in: 1...200, default: 50)
      guard let text = query.string("cursor") else {
        self = .after(nil, size: size)
        return
      }
      guard let cursor = PageCursor(text) else {
        throw APIError.invalidField("cursor", "not_valid", "Must be the next_cursor of an earlier answer")
      }
      self = .after(cursor, size: size)
    } else {
      self = .number(
        try query.int("page", in: 1...100_000, default: 1),
        size: try query.int("per_page", in: 1...200, default: try query.int("limit", in: 1...200, default: 50)))
    }
  }

  var size: Int {
    switch self {
    case .number(_, let size), .after(_, let size): size
    }
  }
}
