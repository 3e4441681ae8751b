import Contracts

/// What a request asks for in one fixed form, whatever its JSON looks like.
///
/// Only what is asked for is in it, so that a version that knows more options makes the same bytes of the same request.
struct CanonicalBody: Sendable, Equatable {
  private(set) var bytes: [UInt8] = []

  init(_ draft: SubmissionDraft) {
    switch draft.form {
    case .single: put("form", "single")
    case .bulk: put("form", "bulk")
    }
    for recipient in draft.recipients { put("recipient", recipient) }
    put("content", draft.content)
    put("class", draft.messageClass?.rawValue)
    put("reference", draft.reference)
    switch draft.onInvalid {
    case .reject: break
    case .skip: put("on_invalid", "skip")
    }
    put("send_at", draft.sendAt?.microseconds.description)
    switch draft.expiry {
    case nil: break
    case .time(let time): put("expires_at", time.microseconds.description)
    case .seconds(let seconds): put("validity_seconds", seconds.description)
    }
    put("reject_if_late", draft.rejectsLate ? "true" : nil)
    put("provider", draft.provider)
  }

  /// Each part is preceded by its length, so that no two lists of parts are the same bytes.
  private mutating func put(_ name: StaticString, _ value: String?) {
    guard let value else { return }
    for text in [name.description, value] {
      withUnsafeBytes(of: UInt64(text.utf8.count).bigEndian) { bytes.append(contentsOf: $0) }
      bytes.append(contentsOf: text.utf8)
    }
  }
}
