import Contracts
import Metering

/// The answer of `GET /api/queue/status`.
struct QueueStatus {
  /// Who asks.
  var user: UserID
  var totals: QueueTotals
  var snapshot: QueueSnapshot
  var now: Timestamp

  /// SMS that wait: by the heads, which are newer, or by the read tables.
  var depth: Int { snapshot.isKnown ? max(0, snapshot.totalBacklog) : totals.waitingUnits }

  /// SMS per second that go while there are any; 0 while nothing goes.
  var rate: Double { snapshot.rate }

  /// When the last SMS of the caller goes out; `nil` when none waits or nothing goes.
  var yourCompletion: Timestamp? {
    let outlook = QueueOutlook(snapshot)
    return snapshot.flows(of: user).compactMap { flow in
      let last = snapshot.backlog(of: flow) - 1
      return Placement(in: outlook, flow: flow, ahead: last, last: last, now: now).complete?.middle
    }.max()
  }

  func write(_ json: inout JSONWriter) {
    json.member("queue_depth", depth)
    json.member("msgs_per_sec", rate)
    json.member("pending_messages", totals.pendingMessages)
    json.member("sending_messages", totals.sendingMessages)
    json.member("oldest_pending_at", totals.oldestPendingAt)
    json.member("estimated_drain_seconds", snapshot.wait(position: depth, providers: nil)?.middle.inSeconds)
    json.object("statistics") { json in
      json.member("total_pending", depth)
      json.member("oldest_pending_at", totals.oldestPendingAt)
      json.member("estimated_throughput_sec", rate)
    }
    json.object("your_messages") { json in
      json.member("pending", totals.yourPending)
      json.member("sending", totals.yourSending)
      json.member("estimated_complete_at", yourCompletion)
    }
    json.array("providers", snapshot.providerPaces) { json, pace in
      json.element { json in
        json.member("id", pace.provider)
        json.member("state", pace.state)
        json.member("rate", pace.nominalRate)
        json.member("effective_rate", pace.effectiveRate)
        json.member("in_flight", pace.inFlight)
      }
    }
  }
}
