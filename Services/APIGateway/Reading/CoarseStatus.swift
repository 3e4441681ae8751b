import Contracts

/// The predecessor's view of a message. `sent` means accepted by the provider, not delivered.
enum CoarseStatus: String, Sendable, CaseIterable {
  case pending, sent, partial, failed

  init(_ status: JobStatus) {
    self =
      switch status {
      case .pending, .sending: .pending
      case .completed: .sent
      case .partial, .unconfirmed: .partial
      case .failed, .cancelled, .expired: .failed
      }
  }

  var jobStatuses: [JobStatus] { JobStatus.allCases.filter { CoarseStatus($0) == self } }
}
