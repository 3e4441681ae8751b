import Contracts
import PhoneNumbers
import SMSText

/// A request that can be accepted as it is.
struct Submission: Sendable {
  /// A number that is none, in a request that skips those.
  struct Rejected: Sendable, Equatable {
    var index: Int
    /// As the caller wrote it.
    var phone: String
    var code: String
    var message: String
  }

  /// What may go wrong with a request that is accepted as it is.
  struct Warning: Sendable, Equatable {
    /// The number that it is about, by its place; `nil` for another field.
    var index: Int?
    /// E.164.
    var phone: String?
    /// The name of the field where it is not a number.
    var field: String?
    var code: String
    var message: String
  }

  var content: String
  var messageClass: MessageClass
  /// E.164, without repeats, in the caller's order.
  var recipients: [String]
  var segmentation: SMSSegmentation
  var reference: String?
  var times: SubmissionTimes
  /// The only provider that may send it; one of the configured ones.
  var provider: String?
  /// The only ones that may send it, of those that are configured; `nil` for all.
  var providers: [String]?
  var rejected: [Rejected]
  /// Numbers that were in the request before, in E.164, once for each repeat.
  var duplicates: [String]
  var warnings: [Warning]
}

/// Checks drafts against the limits and normalises their numbers.
struct SubmissionCheck: Sendable {
  var limits = SubmissionLimits()
  var parser: PhoneNumberParser
  /// Whether there is a provider of this name.
  var isProvider: @Sendable (String) -> Bool = { _ in false }

  /// - Throws: `APIError`: `INVALID_FIELD`, or `INVALID_RECIPIENTS` with every bad number by its index.
  func check(_ draft: SubmissionDraft, now: Timestamp = .now()) throws -> Submission {
    let (times, timeProblems) = SubmissionTimes.check(draft, now: now)
    var problems =
      contentProblems(draft) + referenceProblems(draft) + countProblems(draft) + timeProblems + providerProblems(draft)
    let segmentation = SMSSegmentation(problems.isEmpty ? draft.content : "")
    if problems.isEmpty, segmentation.segments > limits.segments {
      problems = [
        .init(draft.contentName, "too_long", "Needs \(segmentation.segments) segments; \(limits.segments) are allowed")
      ]
    }
    guard problems.isEmpty else { throw APIError(.invalidField, "Fields are not valid", details: problems) }
    var list = RecipientList()
    for (index, text) in draft.recipients.enumerated() { list.add(text, at: index, parser: parser, limits: limits) }
    guard list.rejected.isEmpty || draft.onInvalid == .skip && !list.numbers.isEmpty else {
      throw APIError(
        .invalidRecipients, "Some numbers are not valid",
        details: list.rejected.map { .init(draft.form.field(draft.recipientName, at: $0.index), $0.code, $0.message) })
    }
    return Submission(
      content: draft.content,
      messageClass: draft.messageClass ?? (list.numbers.count > limits.normalRecipients ? .bulk : .normal),
      recipients: list.numbers, segmentation: segmentation, reference: draft.reference, times: times,
      provider: draft.provider, rejected: list.rejected, duplicates: list.duplicates,
      warnings: SubmissionTimes.warnings(draft, now: now) + list.warnings)
  }

  private func contentProblems(_ draft: SubmissionDraft) -> [APIError.Detail] {
    let count = draft.content.unicodeScalars.count
    if InvisibleCharacters.isBlank(draft.content) {
      return [.init(draft.contentName, "empty", "There must be a text")]
    }
    if count > limits.characters {
      return [.init(draft.contentName, "too_long", "At most \(limits.characters) characters are allowed")]
    }
    return nulProblems(draft.contentName, draft.content)
  }

  private func referenceProblems(_ draft: SubmissionDraft) -> [APIError.Detail] {
    guard let reference = draft.reference else { return [] }
    if reference.unicodeScalars.count > limits.reference {
      return [.init("reference", "too_long", "At most \(limits.reference) characters are allowed")]
    }
    return nulProblems("reference", reference)
  }

  private func providerProblems(_ draft: SubmissionDraft) -> [APIError.Detail] {
    guard let provider = draft.provider, !isProvider(provider) else { return [] }
    return [.init("provider", "unknown_provider", "There is no such provider")]
  }

  private func countProblems(_ draft: SubmissionDraft) -> [APIError.Detail] {
    if draft.recipients.isEmpty { return [.init(draft.recipientName, "empty", "There must be a number")] }
    guard draft.recipients.count > limits.recipients else { return [] }
    return [.init(draft.recipientName, "too_many", "At most \(limits.recipients) numbers are allowed")]
  }

  /// PostgreSQL's text cannot hold U+0000, so nothing with it may get past here.
  private func nulProblems(_ field: String, _ text: String) -> [APIError.Detail] {
    text.utf8.contains(0) ? [.init(field, "invalid_character", "U+0000 is not allowed")] : []
  }
}
