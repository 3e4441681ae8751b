import Contracts

extension QueueChanged {
  /// One provider at 2/s, and one flow of normal SMS: this many of one user.
  static func waiting(_ backlog: Int, of user: UserID, pinnedTo provider: String? = nil) -> QueueChanged {
    QueueChanged(
      asOf: .now(), isComplete: true, epoch: 1, virtualTime: 0,
      classes: [ClassHead(messageClass: .normal, tag: 0, backlog: backlog, virtualTime: 0)],
      flows: [
        FlowHead(
          flowID: 1, messageClass: .normal, userID: user, provider: provider, tag: 0, step: 1 << 24, backlog: backlog,
          headNumber: 0)
      ],
      providers: [
        ProviderPace(provider: provider ?? "hkt", effectiveRate: 2, nominalRate: 2, state: "healthy", inFlight: 0)
      ],
      globalRate: nil, isSending: true)
  }
}
