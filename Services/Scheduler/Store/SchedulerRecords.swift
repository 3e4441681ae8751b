import Contracts
import Metering

/// A message as the backlog needs it: what is left of it, and where it lies in its flow.
struct MessageSpan: Sendable, Hashable {
  var messageID: MessageID
  /// The number of its first unit in the flow.
  var firstNumber: Int64
  /// The next unit to be dispatched.
  var cursor: Int
  var total: Int
  /// What one of its SMS takes of a provider's limit.
  var segments: Int
  /// The only providers that may carry it; `nil` for all.
  var allowed: [String]?

  /// Units that were never dispatched.
  var rest: Int { total - cursor }

  /// Their numbers in the flow.
  var numbers: Range<Int64> { firstNumber + Int64(cursor)..<firstNumber + Int64(total) }
}

/// A message that begins or ceases to wait, with its flow.
struct QueueEntry: Sendable, Hashable {
  var flow: FlowKey
  var flowID: Int64
  /// The user's weight within the class.
  var weight: Double
  var span: MessageSpan
}

/// A unit that came back and waits for its next dispatch.
struct ReturnedUnit: Sendable, Hashable {
  var unit: UnitID
  /// What the row says now; another value means that memory and store disagree.
  var expectedDispatch: Int
  var expectedState: UnitState
  /// The dispatch number that it goes out with.
  var nextDispatch: Int
  var segments: Int
  /// Providers that failed it.
  var avoided: [String] = []
  /// The only providers that may carry it; `nil` for all.
  var allowed: [String]?
}

/// A flow's virtual start tags after it was served.
struct FlowTags: Sendable, Hashable {
  var flowID: Int64
  /// By provider, of those that may carry its SMS.
  var tags: [String: Int64]
}

/// One unit chosen for one provider.
struct DispatchPick: Sendable, Hashable {
  /// Where it comes from.
  enum Source: Sendable, Hashable {
    case fresh(UnitID)
    case returned(ReturnedUnit)
  }

  var source: Source
  var flow: FlowKey
  var provider: String
  var cost: Int

  var unit: UnitID {
    switch source {
    case .fresh(let unit): unit
    case .returned(let returned): returned.unit
    }
  }

  var attempt: AttemptID {
    switch source {
    case .fresh(let unit): AttemptID(unit: unit, dispatch: 0)
    case .returned(let returned): AttemptID(unit: returned.unit, dispatch: returned.nextDispatch)
    }
  }
}

/// A send command that was issued, and its attempts that have not been reported back.
struct IssuedCommand: Sendable {
  var id: EnvelopeID
  var requestID: String?
  var command: SendCommand
  var open: Set<AttemptID>
}

/// A fact in the outbox.
struct OutboxEntry: Sendable {
  /// Its row; `nil` for what is told in passing and never stored.
  var id: Int64?
  var type: String
  var envelopeID: EnvelopeID
  var body: [UInt8]
}
