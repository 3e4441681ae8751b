import Contracts

/// Reads a body member by member and collects everything that is wrong with it.
struct SubmissionDecoder {
  var problems: [APIError.Detail] = []
  private var missing: [APIError.Detail] = []
  private(set) var members: [String: JSONValue] = [:]

  /// - Throws: `APIError`: `INVALID_JSON`, `MISSING_FIELDS` or `INVALID_FIELD`, naming every member concerned.
  ///
  /// Without a form a body with a list of numbers has that of a list.
  static func decode(_ bytes: [UInt8], as form: SubmissionForm?) throws -> SubmissionDraft {
    guard case .object(let object) = try JSONBody.read(bytes) else {
      throw APIError(.invalidJSON, "The body must be a JSON object")
    }
    let form = form ?? SubmissionForm(members: object.map(\.name))
    var decoder = SubmissionDecoder()
    decoder.read(object, form)
    return try decoder.draft(form)
  }

  private static let options: Set<String> = [
    "class", "reference", "on_invalid", "send_at", "expires_at", "validity_seconds", "provider", "reject_if_late",
  ]

  private mutating func read(_ object: [JSONMember], _ form: SubmissionForm) {
    let known = Set(form.recipientNames + form.contentNames).union(Self.options)
    for member in object {
      guard members[member.name] == nil else {
        problems.append(.init(member.name, "duplicate", "The field is given more than once"))
        continue
      }
      members[member.name] = member.value
      if !known.contains(member.name) {
        problems.append(.init(member.name, "unknown_field", "The field is not known"))
      }
    }
  }

  private mutating func draft(_ form: SubmissionForm) throws -> SubmissionDraft {
    let (recipientName, recipients) = recipients(form)
    let (contentName, content) = member(named: form.contentNames)
    let text = string(contentName, content)
    let messageClass: MessageClass? = choice("class")
    let reference = members["reference"].flatMap { string("reference", $0) }
    let onInvalid: SubmissionDraft.InvalidNumbers? = choice("on_invalid")
    let sendAt = time("send_at")
    let expiry = expiry()
    let rejectsLate = bool("reject_if_late") ?? false
    let provider = members["provider"].flatMap { string("provider", $0) }
    guard missing.isEmpty else {
      throw APIError(.missingFields, "Fields are missing", details: missing + problems)
    }
    guard problems.isEmpty, let recipients, let text else {
      throw APIError(.invalidField, "Fields are not valid", details: problems)
    }
    return SubmissionDraft(
      form: form, recipientName: recipientName, recipients: recipients, contentName: contentName, content: text,
      messageClass: messageClass, reference: reference, onInvalid: onInvalid ?? .reject, sendAt: sendAt, expiry: expiry,
      rejectsLate: rejectsLate, provider: provider)
  }

  private mutating func recipients(_ form: SubmissionForm) -> (name: String, [String]?) {
    let (name, value) = member(named: form.recipientNames)
    switch form {
    case .single: return (name, string(name, value).map { [$0] })
    case .bulk:
      guard let value else { return (name, nil) }
      guard case .array(let elements) = value else {
        problems.append(.init(name, "wrong_type", "Must be a list of strings"))
        return (name, nil)
      }
      var recipients: [String] = []
      recipients.reserveCapacity(elements.count)
      for (index, element) in elements.enumerated() {
        if let text = string(form.field(name, at: index), element, isNullMissing: false) { recipients.append(text) }
      }
      return (name, recipients)
    }
  }

  /// The one of these members that is there; none is missing, two are a contradiction.
  private mutating func member(named names: [String]) -> (name: String, JSONValue?) {
    let present = names.filter { members[$0] != nil && members[$0] != .null }
    for other in present.dropFirst() {
      problems.append(.init(other, "conflict", "Give either \(present[0]) or \(other)"))
    }
    let name = present.first ?? names[0]
    if present.isEmpty { missing.append(.init(name, "missing", "The field is needed")) }
    return (name, present.isEmpty ? nil : members[name])
  }

  mutating func string(_ field: String, _ value: JSONValue?, isNullMissing: Bool = true) -> String? {
    switch value {
    case .string(let text): return text
    case nil: return nil
    case .null where isNullMissing: return nil
    case .null, .bool, .number, .array, .object:
      problems.append(.init(field, "wrong_type", "Must be a string"))
      return nil
    }
  }

  private mutating func choice<Choice: RawRepresentable & CaseIterable>(_ name: String) -> Choice?
  where Choice.RawValue == String {
    guard let text = members[name].flatMap({ string(name, $0) }) else { return nil }
    if let choice = Choice(rawValue: text) { return choice }
    let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
    problems.append(.init(name, "not_allowed", "Must be one of \(names)"))
    return nil
  }
}
