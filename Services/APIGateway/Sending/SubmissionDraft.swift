import Contracts

/// What a body asks for: all members known and of the right type, nothing else checked yet.
struct SubmissionDraft: Sendable, Equatable {
  /// What happens to the request when some of its numbers are bad.
  enum InvalidNumbers: String, Sendable, CaseIterable {
    case reject, skip
  }

  /// When the message is worth nothing any more.
  enum Expiry: Sendable, Equatable {
    case time(Timestamp)
    /// From the time to send on.
    case seconds(Int)

    /// The member that said it.
    var field: String {
      switch self {
      case .time: "expires_at"
      case .seconds: "validity_seconds"
      }
    }
  }

  var form: SubmissionForm
  /// The name that the caller used.
  var recipientName: String
  var recipients: [String]
  var contentName: String
  var content: String
  var messageClass: MessageClass?
  var reference: String?
  var onInvalid = InvalidNumbers.reject
  var sendAt: Timestamp?
  var expiry: Expiry?
  /// Refused when it would not go out before its expiry.
  var rejectsLate = false
  /// The name of the only provider that may send it.
  var provider: String?
}
