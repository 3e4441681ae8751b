import Contracts

/// What a body says about one letter.
struct LetterActionDraft: Sendable, Equatable {
  var action: LetterAction
  var options = ReplayOptions()
  /// A mended poison message.
  var body: String?
  var reason: String?

  /// Which route was asked.
  enum Kind: String, Sendable, CaseIterable { case replay, abandon, settle }

  /// - Parameter bytes: None are as good as `{}`.
  /// - Throws: `APIError` that names every field concerned.
  static func decode(
    _ bytes: [UInt8], _ kind: Kind, now: Timestamp, isProvider: (String) -> Bool
  ) throws -> LetterActionDraft {
    let bytes = bytes.isEmpty ? Array("{}".utf8) : bytes
    switch kind {
    case .replay:
      var reader = try MemberReader(bytes, allowing: ReplayOptions.names.union(["body", "reason"]))
      let draft = LetterActionDraft(
        action: .replay, options: reader.replayOptions(now: now, isProvider: isProvider),
        body: reader.optional("body") { $0.string("body", $1) }.value ?? nil, reason: reader.reason())
      try reader.check()
      return draft
    case .abandon:
      var reader = try MemberReader(bytes, allowing: ["reason"])
      let draft = LetterActionDraft(action: .abandon, reason: reader.reason())
      try reader.check()
      return draft
    case .settle:
      var reader = try MemberReader(bytes, allowing: ["as", "reason"])
      let (verdict, reason) = (reader.verdict(), reader.reason())
      try reader.check()
      return LetterActionDraft(action: .settle(verdict ?? .failed), reason: reason)
    }
  }

  /// - Throws: `INVALID_FIELD` for what this letter has no use for, and for a mended message that its queue would refuse.
  func check(for letter: LetterRow) throws {
    guard letter.isPoison else {
      if body != nil {
        throw APIError.invalidField("body", "not_poison", "Only a broker message can be mended, an SMS cannot")
      }
      return
    }
    let given = [
      ("class", options.messageClass != nil), ("provider", options.provider != nil),
      ("expires_at", options.expiresAt != nil),
    ].filter(\.1)
    guard given.isEmpty else {
      throw APIError(
        .invalidField, "Fields are not valid",
        details: given.map { .init($0.0, "poison", "A broker message goes back to its queue as it is, or mended") })
    }
    guard let body, let queue = letter.queue else { return }
    do {
      try Wire.check(Array(body.utf8), for: queue)
    } catch let error as WireError {
      throw APIError.invalidField("body", error.code.rawValue, "The queue would refuse it: \(error.message)")
    }
  }

  /// The command that does it.
  func command(for letter: LetterRow, actor: LetterActor) -> any Payload {
    switch action {
    case .replay where letter.isPoison: PoisonReturn(letterID: letter.id, body: body, actor: actor)
    case .abandon where letter.isPoison: PoisonDrop(letterID: letter.id, actor: actor)
    case .replay, .abandon, .settle: action.command(for: LetterSelection(ids: [letter.id]), options, actor: actor)
    }
  }
}
