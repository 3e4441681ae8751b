import Contracts
import Metering

/// When the last SMS of a replay goes out, as the queue stands. Pure.
struct ReplayForecast {
  /// Letters of one user that wait in the same queue.
  struct Group: Sendable, Equatable {
    var userID: UserID
    var pinnedProvider: String?
    /// The only ones that may carry their messages; `nil` for all.
    var providers: [String]? = nil
    var letters: Int
    var segments: Int
  }

  var groups: [Group]
  /// What they go as.
  var messageClass: MessageClass
  /// The provider that they go by, instead of their own pins.
  var provider: String?
  /// The users' weights; one who is not named has 1.
  var weights: [UserID: Double]

  /// - Parameters:
  ///   - queue: As it was before any of them waited in it.
  ///   - letters: How many of them go; `nil` for all.
  ///   - now: When they begin to wait.
  /// - Returns: `nil` while nothing is known or nothing goes, and when nothing is replayed.
  func completion(in queue: QueueSnapshot, letters: Int? = nil, now: Timestamp) -> Timestamp? {
    var flows: [FlowKey: QueueSnapshot.Returning] = [:]
    let total = groups.reduce(0) { $0 + $1.letters }
    guard queue.isKnown, total > 0, letters != 0 else { return nil }
    for group in groups {
      let key = FlowKey(
        messageClass: messageClass, userID: group.userID, provider: provider ?? group.pinnedProvider,
        allowed: group.providers)
      // Where fewer go than there were, nobody says which: as if of each the same part.
      let count = letters.map { group.letters * min($0, total) / total } ?? group.letters
      flows[key, default: .init(count: 0, weight: weights[group.userID] ?? 1)].count += max(1, count)
    }
    let (trial, last) = queue.with(flows, at: now)
    let outlook = QueueOutlook(trial)
    let ends = last.map { flow -> Timestamp? in
      let ahead = (flows[flow]?.count ?? 1) - 1
      let placement = Placement(in: outlook, flow: flow, ahead: ahead, last: ahead, now: now)
      guard let end = placement.complete?.middle else { return nil }
      // What the heads saw waiting may have gone since, and none of these can have begun before now.
      let own = flows.reduce(0) { $1.key.providers == flow.providers ? $0 + $1.value.count : $0 }
      guard let first = queue.wait(position: 0, providers: flow.providers)?.middle,
        let alone = queue.wait(position: own - 1, providers: flow.providers)?.middle
      else { return end }
      return max(end, now + (alone - first))
    }
    // What stands still is not done at any time.
    return ends.contains(nil) ? nil : ends.compactMap { $0 }.max()
  }
}
