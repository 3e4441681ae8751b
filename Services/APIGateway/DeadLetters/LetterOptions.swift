import Contracts

/// How letters are replayed, as a body says.
struct ReplayOptions: Sendable, Equatable {
  static let names: Set<String> = ["class", "provider", "expires_at"]

  var messageClass: MessageClass?
  var provider: String?
  var expiresAt: Timestamp?
}

extension MemberReader {
  /// Characters of a reason.
  static let reasonLength = 1...500

  /// - Parameter isProvider: Whether there is a provider of this name.
  mutating func replayOptions(now: Timestamp, isProvider: (String) -> Bool) -> ReplayOptions {
    ReplayOptions(
      messageClass: optional("class") { reader, value in reader.choice("class", value) }.value ?? nil,
      provider: optional("provider") { reader, value -> String? in
        guard let name = reader.string("provider", value) else { return nil }
        if isProvider(name) { return name }
        reader.note("provider", "unknown_provider", "There is no such provider")
        return nil
      }.value ?? nil,
      expiresAt: optional("expires_at") { $0.expiry("expires_at", $1, now: now) }.value ?? nil)
  }

  /// Why it is done, for those who read about it later; `null` is none.
  mutating func reason() -> String? {
    optional("reason") { reader, value -> String? in
      guard let text = reader.string("reason", value) else { return nil }
      if Self.reasonLength.contains(text.unicodeScalars.count), !text.utf8.contains(0) { return text }
      reader.note("reason", "wrong_length", "Must have 1 to 500 characters, none of them U+0000")
      return nil
    }.value ?? nil
  }

  /// What the provider said; needed.
  mutating func verdict() -> DeadLetterSettle.Verdict? {
    require("as")
    return optional("as") { reader, value in reader.choice("as", value) }.value ?? nil
  }

  mutating func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, _ value: JSONValue) -> Choice?
  where Choice.RawValue == String {
    guard let text = string(name, value) else { return nil }
    if let choice = Choice(rawValue: text) { return choice }
    note(name, "not_allowed", "Must be one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
    return nil
  }

  mutating func time(_ name: String, _ value: JSONValue) -> Timestamp? {
    guard let text = string(name, value) else { return nil }
    if let time = Timestamp(text), (0...4_102_444_800_000_000).contains(time.microseconds) { return time }
    note(name, "not_a_time", "Must be a time in ISO 8601, like 2026-11-21T08:15:30Z")
    return nil
  }

  mutating func id<Kind>(_ name: String, _ value: JSONValue) -> Identifier<Kind>? {
    guard let text = string(name, value) else { return nil }
    if let id = Identifier<Kind>(text) { return id }
    note(name, "not_an_id", "Must be a UUID")
    return nil
  }

  private mutating func expiry(_ name: String, _ value: JSONValue, now: Timestamp) -> Timestamp? {
    guard let time = time(name, value) else { return nil }
    if time <= now {
      note(name, "in_the_past", "Must lie in the future")
    } else if time > now + SubmissionTimes.limit {
      note(name, "too_late", "Must be at most 365 days ahead")
    } else {
      return time
    }
    return nil
  }
}
