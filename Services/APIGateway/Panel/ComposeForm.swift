import CSV
import Contracts
import Foundation
import PhoneNumbers
import Recipients
import SMSText

/// The compose page's fields as they were filled in.
struct ComposeForm: Sendable {
  /// Recipients beyond which somebody has to say twice that they mean it.
  static let confirmedBeyond = 20

  var recipients = ""
  /// How the file was written that the recipients were read from.
  var encoding: SpreadsheetText.Encoding?
  /// Why the file could not be read.
  var fileProblem: APIError.Detail?
  /// The column with the numbers, by its place from 1, or `all`.
  var column: String?
  var content = ""
  var enquiryNumber = ""
  var messageClass = ""
  var sendAt = ""
  var expiresAt = ""
  var reference = ""
  /// Bad numbers are left out.
  var skipsInvalid = false
  /// How many recipients somebody has said that they mean.
  var confirmed: Int?
  /// What was sent a moment ago and is meant once more; `SentBefore`.
  var again: String?
  /// Of this form: sent twice, it sends nothing twice.
  var key: String
  /// The id of the user whose page it was filled in on; no secret, and nothing is allowed by it.
  var writer: String?

  /// An empty form.
  init() { key = BearerSecret.make(prefix: "") }

  init(_ form: PanelForm) {
    // A file takes the place of what is written.
    recipients = form["file"] ?? form["recipients"] ?? ""
    fileProblem = form.fileProblem
    encoding = form.fileEncoding ?? form["encoding"].flatMap(SpreadsheetText.Encoding.init(rawValue:))
    column = form["column"]
    content = form["content"] ?? ""
    enquiryNumber = form.trimmed("enquiry_number") ?? ""
    messageClass = form["class"] ?? ""
    sendAt = form.trimmed("send_at") ?? ""
    expiresAt = form.trimmed("expires_at") ?? ""
    reference = form.trimmed("reference") ?? ""
    skipsInvalid = form.isTicked("skip_invalid")
    confirmed = form.number("confirmed")
    again = form.trimmed("again")
    if form["action"] == "clean" { content = InvisibleCharacters.removed(from: content) }
    key = form.trimmed("key") ?? BearerSecret.make(prefix: "")
    writer = form.trimmed("writer")
  }

  /// All of it, for a page that carries it along; how many somebody has said that they mean is asked again.
  var fields: [PanelField] {
    [
      ("recipients", recipients), ("encoding", encoding?.rawValue ?? ""), ("column", column ?? ""),
      ("content", content), ("enquiry_number", enquiryNumber),
      ("class", messageClass), ("send_at", sendAt), ("expires_at", expiresAt), ("reference", reference),
      ("skip_invalid", skipsInvalid ? "1" : ""), ("key", key),
      ("writer", writer ?? ""),
    ].filter { !$0.1.isEmpty }.map { PanelField(name: $0.0, value: $0.1) }
  }

  /// What is sent: the text, a space, `EN:` and the number, as the predecessor did it.
  var text: String { enquiryNumber.isEmpty ? content : "\(content) EN:\(enquiryDigits ?? enquiryNumber)" }

  /// Which column somebody chose.
  var chosenColumn: RecipientTable.Column? {
    column == "all" ? .all : column.flatMap { Int($0) }.flatMap { $0 > 0 ? .place($0 - 1) : nil }
  }

  /// The enquiry number as its eight digits; `nil` when it has others.
  private var enquiryDigits: String? {
    // A number to call, so that a landline is right: read as people write it, with or without 852.
    guard let digits = PhoneNumberParser.digits(ofPart: enquiryNumber) else { return nil }
    for prefix in ["", "852", "00852"] where digits.hasPrefix(prefix) && digits.utf8.count == prefix.utf8.count + 8 {
      return String(digits.suffix(8))
    }
    return nil
  }

  /// What the API is told besides numbers and text.
  /// - Parameter problems: Gets what is wrong with the fields.
  func options(_ clock: PanelClock, now: Timestamp = .now(), problems: inout [APIError.Detail]) -> [(
    String, JSONValue?
  )] {
    var times: [String: Timestamp] = [:]
    for (name, text) in [("send_at", sendAt), ("expires_at", expiresAt)] where !text.isEmpty {
      guard let time = clock.time(local: text) else {
        problems.append(.init(name, "not_a_time", "Must be a day and a time"))
        continue
      }
      // The minute that somebody chose may have begun.
      if time + .seconds(60) <= now {
        problems.append(.init(name, name == "send_at" ? "send_at_passed" : "in_the_past", "Must lie in the future"))
      }
      times[name] = time
    }
    if !enquiryNumber.isEmpty, enquiryDigits == nil {
      problems.append(.init("enquiry_number", "not_8_digits", "Must have 8 digits"))
    }
    return [
      ("class", messageClass.isEmpty ? nil : .string(messageClass)),
      ("reference", reference.isEmpty ? nil : .string(reference)),
      ("send_at", times["send_at"].map { .string($0.description) }),
      ("expires_at", times["expires_at"].map { .string($0.description) }),
    ]
  }
}
