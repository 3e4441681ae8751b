import Contracts

/// Reads a submission and refuses what the store could not hold, so that one bad message does not stop the others.
enum Submission {
  /// - Throws: `WireError` naming the field.
  static func read(_ body: [UInt8]) throws -> Envelope<MessageAccepted> {
    let envelope = try Wire.decode(MessageAccepted.self, from: body)
    let message = envelope.body
    func check(_ isGood: Bool, _ field: String) throws {
      guard isGood else { throw WireError(code: .malformed, message: ".\(field) is not valid") }
    }
    try check(!message.recipients.isEmpty && message.recipients.count <= 100_000, "recipients")
    try check(message.recipients.allSatisfy { isE164($0) }, "recipients")
    try check(!message.content.utf8.contains(0), "content")
    try check(message.segments > 0, "segments")
    try check(["gsm7", "ucs2"].contains(message.encoding), "encoding")
    try check(message.weight.isFinite && message.weight > 0, "weight")
    if let providers = message.providers {
      // They are stored as one text.
      try check(
        (1...100).contains(providers.count)
          && providers.allSatisfy { !$0.isEmpty && !$0.utf8.contains(0) && !$0.utf8.contains(UInt8(ascii: ",")) },
        "providers")
    }
    for (name, value) in [
      ("reference", message.reference), ("provider", message.provider), ("request_id", envelope.header.requestID),
      ("traceparent", envelope.header.traceparent),
    ] {
      try check(value.map { !$0.utf8.contains(0) } ?? true, name)
    }
    return envelope
  }

  /// `+` and up to 15 digits (ITU-T E.164), at least one.
  private static func isE164(_ number: String) -> Bool {
    let digits = number.utf8.dropFirst()
    return number.utf8.first == UInt8(ascii: "+") && (1...15).contains(digits.count)
      && digits.allSatisfy { (48...57).contains($0) }
  }
}
