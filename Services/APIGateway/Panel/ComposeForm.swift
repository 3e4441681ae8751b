import CSV
import Contracts
import Foundation

/// The compose page's fields as they were filled in.
struct ComposeForm: Sendable {
  /// Recipients beyond which somebody has to say twice that they mean it.
  static let confirmedBeyond = 20

  var recipients = ""
  /// How the file was written that the recipients were read from.
  var encoding: SpreadsheetText.Encoding?
  /// The column with the numbers.
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
  /// Of this form: sent twice, it sends nothing twice.
  var key: String
  /// The id of the user whose page it was filled in on; no secret, and nothing is allowed by it.
  var writer: String?

  /// An empty form.
  init() { key = BearerSecret.make(prefix: "") }

  init(_ form: PanelForm) {
    // A file takes the place of what is written.
    recipients = form["file"] ?? form["recipients"] ?? ""
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
  var text: String { enquiryNumber.isEmpty ? content : "\(content) EN:\(enquiryNumber)" }

  /// What the API is told besides numbers and text.
  /// - Throws: `APIError` that names the field.
  func options(_ clock: PanelClock) throws -> [(String, JSONValue?)] {
    func time(_ name: String, _ text: String) throws -> JSONValue? {
      guard !text.isEmpty else { return nil }
      guard let time = clock.time(local: text) else {
        throw APIError.invalidField(name, "not_a_time", "Must be a day and a time")
      }
      return .string(time.description)
    }
    guard
      enquiryNumber.isEmpty
        || enquiryNumber.utf8.count == 8 && enquiryNumber.utf8.allSatisfy({ (0x30...0x39).contains($0) })
    else { throw APIError.invalidField("enquiry_number", "not_8_digits", "Must have 8 digits") }
    return [
      ("class", messageClass.isEmpty ? nil : .string(messageClass)),
      ("reference", reference.isEmpty ? nil : .string(reference)), ("send_at", try time("send_at", sendAt)),
      ("expires_at", try time("expires_at", expiresAt)),
    ]
  }
}
