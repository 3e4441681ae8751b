import ArgumentParser
import JSONHTTP
import Recipients
import SMSText

/// What a message may be asked for besides its text and its numbers.
struct MessageOptions: ParsableArguments {
  enum MessageClass: String, ExpressibleByArgument, CaseIterable, Sendable { case urgent, normal, bulk }

  @Option(name: [.short, .long], help: "The text.")
  var text: String?

  @Option(name: .customLong("class"), help: "How urgent it is; by default normal, and bulk for more than 10 numbers.")
  var messageClass: MessageClass?

  @Option(help: ArgumentHelp("Not before this time, such as 2026-12-01T09:00:00+08:00.", valueName: "time"))
  var sendAt: String?

  @Option(help: ArgumentHelp("What is not sent by then expires.", valueName: "time"))
  var expiresAt: String?

  @Option(help: ArgumentHelp("The same, in seconds from now or from --send-at.", valueName: "seconds"))
  var validity: Int?

  @Flag(help: "Refuse it when it would go out after it expires.")
  var rejectIfLate = false

  @Option(help: "Your own reference.")
  var reference: String?

  @Option(help: "The only provider that may send it.")
  var provider: String?

  @Flag(help: "Leave out numbers that are none, instead of refusing all.")
  var skipInvalid = false

  /// - Throws: `ValidationError` for a text of which nothing would be seen, or with a `{{` that is never closed.
  func checkText() throws {
    guard let text, !InvisibleCharacters.isBlank(text) else { throw ValidationError("Give the text with --text") }
    guard !PersonalText(text).isOpen else { throw ValidationError("A {{ in the text is never closed with }}") }
  }

  /// The columns that the text names.
  var markers: [String] { PersonalText(text ?? "").columns }

  /// The body of a request for these numbers.
  func body(_ numbers: [String], text: String) -> JSONValue {
    var members: [String: JSONValue] = ["content": .string(text)]
    if numbers.count == 1 {
      members["recipient"] = .string(numbers[0])
    } else {
      members["recipients"] = .array(numbers.map { .string($0) })
    }
    members["class"] = messageClass.map { .string($0.rawValue) }
    members["send_at"] = sendAt.map { .string($0) }
    members["expires_at"] = expiresAt.map { .string($0) }
    members["validity_seconds"] = validity.map { .number(Double($0)) }
    if rejectIfLate { members["reject_if_late"] = true }
    members["reference"] = reference.map { .string($0) }
    members["provider"] = provider.map { .string($0) }
    if skipInvalid { members["on_invalid"] = "skip" }
    return .object(members)
  }
}
