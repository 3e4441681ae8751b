import Contracts

extension SubmissionDecoder {
  /// A time in ISO 8601; `null` is none.
  mutating func time(_ name: String) -> Timestamp? {
    guard let text = members[name].flatMap({ string(name, $0) }) else { return nil }
    if let time = Timestamp(text) { return time }
    problems.append(.init(name, "not_a_time", "Must be a time in ISO 8601, like 2026-11-21T08:15:30Z"))
    return nil
  }

  /// The one of `expires_at` and `validity_seconds` that is there.
  mutating func expiry() -> SubmissionDraft.Expiry? {
    let time = time("expires_at")
    let seconds = seconds("validity_seconds")
    if time != nil, seconds != nil {
      problems.append(.init("validity_seconds", "conflict", "Give either expires_at or validity_seconds"))
    }
    return time.map { .time($0) } ?? seconds.map { .seconds($0) }
  }

  /// `null` is none.
  mutating func bool(_ name: String) -> Bool? {
    switch members[name] {
    case nil, .null: return nil
    case .bool(let bool): return bool
    case .string, .number, .array, .object:
      problems.append(.init(name, "wrong_type", "Must be true or false"))
      return nil
    }
  }

  private mutating func seconds(_ name: String) -> Int? {
    let limit = SubmissionTimes.limit.components.seconds
    switch members[name] {
    case nil, .null: return nil
    case .number(let number):
      if let seconds = Int(exactly: number), seconds >= 1, seconds <= limit { return seconds }
      problems.append(.init(name, "out_of_range", "Must be a whole number from 1 to \(limit)"))
      return nil
    case .string, .bool, .array, .object:
      problems.append(.init(name, "wrong_type", "Must be a number"))
      return nil
    }
  }
}
