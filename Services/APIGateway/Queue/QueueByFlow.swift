import Contracts
import Metering

/// The queue flow by flow: who goes next, and why.
struct QueueByFlow {
  /// One flow with where its next SMS stands and when its last one goes.
  private struct Row {
    var flow: QueueSnapshot.WaitingFlow
    var placement: Placement
  }

  private let snapshot: QueueSnapshot
  private let classes: [QueueSnapshot.WaitingClass]
  private let rows: [Row]
  /// Whose traffic is held back as a whole: the first of them.
  private let paused: [UserID]

  /// Paused users that are shown.
  private static let pausedLimit = 100

  /// - Parameters:
  ///   - user: Only their flows; `nil` for everybody's.
  ///   - messageClass: Only its flows; `nil` for all.
  ///   - limit: At most so many, those that go first.
  init(_ snapshot: QueueSnapshot, user: UserID?, messageClass: MessageClass?, limit: Int, now: Timestamp) {
    self.snapshot = snapshot
    let classes = snapshot.waitingClasses
    self.classes = classes
    let keys =
      user.map { snapshot.flows(of: $0).filter { messageClass == nil || $0.messageClass == messageClass } }
      ?? snapshot.nextFlows(in: messageClass.map { [$0] } ?? MessageClass.allCases, limit: limit)
    var outlook = QueueOutlook(snapshot)
    let flows = keys.compactMap { snapshot.waitingFlow($0, among: classes) }
    for flow in flows { outlook.compute([0, flow.backlog - 1], in: flow.key) }
    rows = flows.map { flow in
      Row(
        flow: flow, placement: Placement(in: outlook, flow: flow.key, ahead: 0, last: flow.backlog - 1, now: now))
    }.sorted { ($0.placement.position ?? 0, $0.flow.tag) < ($1.placement.position ?? 0, $1.flow.tag) }
      .prefix(limit).map { $0 }
    let wanted = snapshot.pausedUsers.filter { user == nil || $0 == user }
    paused = wanted.sorted { $0.description < $1.description }.prefix(Self.pausedLimit).map { $0 }
  }

  /// Whose flows are shown.
  var waitingUsers: Set<UserID> { Set(rows.map(\.flow.key.userID)) }

  /// Who is shown.
  var users: Set<UserID> { waitingUsers.union(paused) }

  /// - Parameter ages: When the oldest message was accepted that waits in a flow, as far as that is known.
  func write(_ json: inout JSONWriter, names: [UserID: String], ages: [FlowKey: Timestamp]) {
    json.member("sending", snapshot.isSending ? "running" : "stopped")
    json.member("as_of", snapshot.asOf)
    json.member("queue_depth", snapshot.totalBacklog)
    json.member("msgs_per_sec", snapshot.rate)
    json.array("classes", classes) { json, row in
      json.element { json in
        json.member("class", row.messageClass.rawValue)
        json.member("weight", number: row.messageClass.weight)
        json.member("backlog", row.backlog)
        json.member("flows", row.flows)
        json.member("share", row.share)
      }
    }
    json.member("total_flows", classes.reduce(0) { $0 + $1.flows })
    json.array("flows", rows) { json, row in json.element { json in Self.write(row, names, ages, &json) } }
    json.array("paused_users", paused) { json, user in
      json.element { json in
        json.member("user_id", user.description)
        json.member("username", names[user])
      }
    }
  }

  private static func write(
    _ row: Row, _ names: [UserID: String], _ ages: [FlowKey: Timestamp], _ json: inout JSONWriter
  ) {
    json.member("class", row.flow.key.messageClass.rawValue)
    json.member("user_id", row.flow.key.userID.description)
    json.member("username", names[row.flow.key.userID])
    json.member("provider", row.flow.key.provider)
    json.member("providers", row.flow.key.providers.map { .array($0.map { .string($0) }) } ?? .null)
    json.member("backlog", row.flow.backlog)
    json.member("oldest_pending_at", ages[row.flow.key])
    json.member("next_tag", Int(row.flow.tag))
    json.member("weight", number: row.flow.weight)
    json.member("share", row.flow.share)
    json.member("queue_position", row.placement.position)
    json.member("estimated_start_at", row.placement.start?.middle)
    json.member("estimated_complete_at", row.placement.complete?.middle)
  }
}
