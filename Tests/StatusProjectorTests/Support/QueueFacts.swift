import Contracts
import Foundation

extension UserID {
  static let first = UserID(UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)))
}

extension QueueChanged {
  /// Heads of these flows, each with its backlog.
  static func heads(_ backlogs: [Int64: Int], epoch: Int64, complete: Bool, providers: [String] = ["hkt"]) -> Self {
    QueueChanged(
      asOf: Timestamp(microseconds: 1_800_000_000_000_000), isComplete: complete, epoch: epoch, virtualTime: 1,
      classes: [ClassHead(messageClass: .normal, tag: 1, backlog: backlogs.values.reduce(0, +), virtualTime: 1)],
      flows: backlogs.sorted { $0.key < $1.key }.map {
        FlowHead(
          flowID: $0.key, messageClass: .normal, userID: .first, provider: nil, tag: 1, step: 1, backlog: $0.value,
          headNumber: 0)
      },
      providers: providers.map {
        ProviderPace(provider: $0, effectiveRate: 2, nominalRate: 2, state: "healthy", inFlight: 0)
      },
      globalRate: nil, isSending: true)
  }
}

extension ProvidersChanged {
  static func named(_ name: String, state: String) -> Self {
    ProvidersChanged(providers: [
      Entry(name: name, adapter: "json", url: "http://x/", rate: 5, windowSeconds: 1, weight: 1, state: state)
    ])
  }
}
