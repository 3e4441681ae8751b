import Contracts

extension MemberReader {
  private static let filterNames: Set<String> = [
    "status", "error_type", "provider", "user_id", "message_id", "from", "to",
  ]

  /// Which letters a body names: by `ids` or by `filter`, one of which there must be.
  mutating func selection() -> LetterSelection {
    let (ids, filter) = (members["ids"], members["filter"])
    var selection = LetterSelection()
    switch (ids, filter) {
    case (nil, nil), (.null, nil), (nil, .null), (.null, .null): require("filter")
    case (let ids?, nil), (let ids?, .null): selection.ids = self.ids(ids)
    case (nil, let filter?), (.null, let filter?): read(filter, into: &selection)
    case (_?, _?): note("ids", "conflict", "Give either ids or filter")
    }
    selection.limit = optional("limit") { $0.whole("limit", $1, in: 1...LetterSelection.limit) }.value ?? nil
    return selection
  }

  /// A replay of all dead letters there are has to say so: an empty filter may be one that was forgotten.
  mutating func requireAll(unless isDryRun: Bool) {
    let isAll = optional("all") { $0.bool("all", $1) }.value ?? nil
    guard isAll != true, !isDryRun, members["ids"] ?? .null == .null, case .object(let filter)? = members["filter"],
      filter.allSatisfy({ $0.value == .null || $0.name == "status" })
    else { return }
    note("filter", "all_needed", "An empty filter means all dead letters: say \"all\": true if that is meant")
  }

  /// Each once, in order.
  private mutating func ids(_ value: JSONValue) -> [EnvelopeID]? {
    guard case .array(let elements) = value else {
      note("ids", "wrong_type", "Must be a list of ids")
      return nil
    }
    guard (1...LetterSelection.idLimit).contains(elements.count) else {
      note("ids", "wrong_length", "Must have 1 to \(LetterSelection.idLimit) ids")
      return nil
    }
    var known: Set<EnvelopeID> = []
    return elements.enumerated().compactMap { index, element in
      id("ids[\(index)]", element).flatMap { known.insert($0).inserted ? $0 : nil }
    }
  }

  private mutating func read(_ value: JSONValue, into selection: inout LetterSelection) {
    guard case .object(let object) = value else {
      return note("filter", "wrong_type", "Must be an object; an empty one means all that are pending")
    }
    var seen: Set<String> = []
    for member in object {
      let field = "filter.\(member.name)"
      guard seen.insert(member.name).inserted else {
        note(field, "duplicate", "The field is given more than once")
        continue
      }
      guard Self.filterNames.contains(member.name) else {
        note(field, "unknown_field", "The field is not known")
        continue
      }
      if member.value != .null { read(member, field, into: &selection) }
    }
  }

  private mutating func read(_ member: JSONMember, _ field: String, into selection: inout LetterSelection) {
    switch member.name {
    case "status":
      guard let status = string(field, member.value), status != LetterStatus.pending.rawValue else { return }
      note(field, "not_allowed", "Must be pending: nothing is done with others")
    case "error_type":
      selection.errorType = name(field, member.value)
      guard selection.errorType == LetterRow.poison else { return }
      note(field, "poison", "Broker messages are replayed and abandoned one at a time")
    case "provider": selection.provider = name(field, member.value)
    case "user_id": selection.userID = id(field, member.value)
    case "message_id": selection.messageID = id(field, member.value)
    case "from": selection.from = time(field, member.value)
    case "to":
      // Times are shown in milliseconds and kept in microseconds: to the end of the one that is named.
      selection.to = time(field, member.value).map {
        Timestamp(microseconds: ($0.microseconds.isMultiple(of: 1_000) ? $0.microseconds + 999 : $0.microseconds) + 1)
      }
    default: break  // known names are all above
    }
  }

  private mutating func name(_ field: String, _ value: JSONValue) -> String? {
    guard let text = string(field, value) else { return nil }
    if (1...255).contains(text.unicodeScalars.count), !text.utf8.contains(0) { return text }
    note(field, "wrong_length", "Must have 1 to 255 characters, none of them U+0000")
    return nil
  }
}
