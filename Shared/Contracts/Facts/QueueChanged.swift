/// The head of one flow: class, user and the providers that may carry its SMS. Position and ETA are computed from the heads.
public struct FlowHead: Codable, Sendable, Hashable {
  public var flowID: Int64
  public var messageClass: MessageClass
  public var userID: UserID
  /// The provider that the flow is pinned to; absent when there is a choice.
  public var provider: String?
  /// The only providers that may carry its SMS, two or more, sorted; absent for a pinned flow, and when any will do.
  public var providers: [String]?
  /// Virtual start tag of the flow's next SMS, in ticks of 2⁻²⁴: at each of its providers, or the smallest of `tags`.
  public var tag: Int64
  /// Ticks that each SMS adds to the tag: 2²⁴ over the effective weight, which is the user's weight over their
  /// backlogged flows in the class at the provider. At each of its providers, or the greatest of `steps`.
  public var step: Int64
  /// The tag by provider, of those that may carry its SMS; absent where all are `tag`.
  public var tags: [String: Int64]?
  /// The step by provider; absent where all are `step`.
  public var steps: [String: Int64]?
  /// SMS waiting in the flow; 0 ends the flow.
  public var backlog: Int
  /// The number within the flow of its next SMS that was never dispatched.
  public var headNumber: Int64
  /// Numbers from `headNumber` on that nobody waits for: cancelled, paused, expired, scheduled. Absent without any.
  public var holes: [HoleCount]?
  /// Of the backlog: SMS that were dispatched before and came back. They go before all numbers. Absent without any.
  public var returned: Int?
  /// Past the greatest number that ever waited, so that readers know whom the backlog counts. Never falls.
  public var endNumber: Int64?

  public init(
    flowID: Int64, messageClass: MessageClass, userID: UserID, provider: String?, providers: [String]? = nil,
    tag: Int64, step: Int64, tags: [String: Int64]? = nil, steps: [String: Int64]? = nil, backlog: Int,
    headNumber: Int64, holes: [HoleCount]? = nil, returned: Int? = nil, endNumber: Int64? = nil
  ) {
    self.flowID = flowID
    self.messageClass = messageClass
    self.userID = userID
    self.provider = provider
    self.providers = providers
    self.tag = tag
    self.step = step
    self.tags = tags
    self.steps = steps
    self.backlog = backlog
    self.headNumber = headNumber
    self.holes = holes
    self.returned = returned
    self.endNumber = endNumber
  }

  enum CodingKeys: String, CodingKey {
    case flowID = "flow_id"
    case messageClass = "class"
    case userID = "user_id"
    case provider, providers, tag, step, tags, steps, backlog, holes, returned
    case headNumber = "head_number"
    case endNumber = "end_number"
  }
}

/// How many numbers of one segment of a flow are holes.
public struct HoleCount: Codable, Sendable, Hashable {
  /// Numbers in a segment: segment *s* is the numbers from 1,024 *s* on.
  public static let segmentSize: Int64 = 1024

  public var segment: Int64
  public var count: Int
  /// Which numbers: 1,024 bits in base64, the first number's in the lowest bit of the first byte, without the zero bytes
  /// at the end. Absent for a segment that is all holes, and beyond the first 256 segments that are holes in part.
  public var bits: String?

  public init(segment: Int64, count: Int, bits: String? = nil) {
    self.segment = segment
    self.count = count
    self.bits = bits
  }
}

/// Where a class stands at one provider.
public struct ClassTurn: Codable, Sendable, Hashable {
  /// Virtual start tag of the class's next SMS, in ticks of 2⁻²⁴.
  public var tag: Int64
  /// Virtual time within the class: where an idle flow's tag would start.
  public var virtualTime: Int64

  public init(tag: Int64, virtualTime: Int64) {
    self.tag = tag
    self.virtualTime = virtualTime
  }

  enum CodingKeys: String, CodingKey {
    case tag
    case virtualTime = "virtual_time"
  }
}

/// The head of one class.
public struct ClassHead: Codable, Sendable, Hashable {
  public var messageClass: MessageClass
  /// Virtual start tag of the class's next SMS, in ticks of 2⁻²⁴: at every provider, or the first of `turns`.
  public var tag: Int64
  public var backlog: Int
  /// Virtual time within the class: where an idle flow's tag would start. At every provider, or the first of `turns`.
  public var virtualTime: Int64
  /// Where the class stands at each provider; absent when there is one.
  public var turns: [String: ClassTurn]?

  public init(
    messageClass: MessageClass, tag: Int64, backlog: Int, virtualTime: Int64, turns: [String: ClassTurn]? = nil
  ) {
    self.messageClass = messageClass
    self.tag = tag
    self.backlog = backlog
    self.virtualTime = virtualTime
    self.turns = turns
  }

  enum CodingKeys: String, CodingKey {
    case messageClass = "class"
    case tag, backlog, turns
    case virtualTime = "virtual_time"
  }
}

/// How a provider does now: its rate, its health, its share.
public struct ProviderPace: Codable, Sendable, Hashable {
  public var provider: String
  /// SMS per second that can be expected while there is a backlog; 0 while nothing goes.
  public var effectiveRate: Double
  /// SMS per second that the provider allows.
  public var nominalRate: Double
  /// `healthy`, `unhealthy`, `probing`, `paused`.
  public var state: String
  /// Given to senders and not finished.
  public var inFlight: Int
  /// Why it is paused: `admin` or `credentials`.
  public var pauseReason: String?
  /// The gate lets nothing through before: the provider asked to be left alone, or the window is full.
  public var gateOpensAt: Timestamp?
  /// When an unhealthy provider is probed.
  public var unhealthyUntil: Timestamp?
  /// In the health window: `accepted` and `rejected`.
  public var successes: Int?
  /// In the health window: `retryable` and `unknown`.
  public var failures: Int?
  /// SMS accepted by it since the last reset.
  public var sent: Int64?
  /// Its share in the distribution, as in force.
  public var weight: Double?
  /// SMS given to senders in the last second.
  public var current: Int?
  /// While it is asked more rarely because it said that it gets too much: SMS per second that can be expected once it
  /// has come back to the nominal rate, 5 % of that every 30 s.
  public var fullRate: Double?

  public init(
    provider: String, effectiveRate: Double, nominalRate: Double, state: String, inFlight: Int,
    pauseReason: String? = nil, gateOpensAt: Timestamp? = nil, unhealthyUntil: Timestamp? = nil,
    successes: Int? = nil, failures: Int? = nil, sent: Int64? = nil, weight: Double? = nil, current: Int? = nil,
    fullRate: Double? = nil
  ) {
    self.provider = provider
    self.effectiveRate = effectiveRate
    self.nominalRate = nominalRate
    self.state = state
    self.inFlight = inFlight
    self.pauseReason = pauseReason
    self.gateOpensAt = gateOpensAt
    self.unhealthyUntil = unhealthyUntil
    self.successes = successes
    self.failures = failures
    self.sent = sent
    self.weight = weight
    self.current = current
    self.fullRate = fullRate
  }

  enum CodingKeys: String, CodingKey {
    case provider, state, successes, failures, sent, weight, current
    case effectiveRate = "effective_rate"
    case fullRate = "full_rate"
    case nominalRate = "nominal_rate"
    case inFlight = "in_flight"
    case pauseReason = "pause_reason"
    case gateOpensAt = "gate_opens_at"
    case unhealthyUntil = "unhealthy_until"
  }
}

/// The heads of the flows that changed, at most once a second; all of them from time to time.
public struct QueueChanged: Payload {
  public static let type = MessageType.queueChanged

  public var asOf: Timestamp
  /// True when `flows` is every flow with a backlog: flows that are not named have none. Those that ended lately, and whose
  /// tag is still ahead of the virtual time, are named with backlog 0.
  public var isComplete: Bool
  /// Rises with every change of leader, so that readers drop what a deposed one still says.
  public var epoch: Int64
  /// Virtual time between the classes: where an idle class's tag would start.
  public var virtualTime: Int64
  public var classes: [ClassHead]
  public var flows: [FlowHead]
  public var providers: [ProviderPace]
  /// SMS per second over all providers that the global rate allows; absent without one.
  public var globalRate: Double?
  /// False while the switch for all sending is off.
  public var isSending: Bool
  /// Users whose traffic is held back as a whole, all of them; absent without any. Told with complete heads alone, in their
  /// first part: between them `message.paused` and `message.resumed` say who joins and leaves.
  public var pausedUsers: [UserID]?
  /// Complete heads that are told in parts, one after another and all of one `as_of`: which part this is, from 1 on.
  public var part: Int?
  /// How many parts there are. The heads are complete when the last one has come.
  public var parts: Int?

  public init(
    asOf: Timestamp, isComplete: Bool, epoch: Int64, virtualTime: Int64, classes: [ClassHead], flows: [FlowHead],
    providers: [ProviderPace], globalRate: Double?, isSending: Bool, pausedUsers: [UserID]? = nil,
    part: Int? = nil, parts: Int? = nil
  ) {
    self.asOf = asOf
    self.isComplete = isComplete
    self.epoch = epoch
    self.virtualTime = virtualTime
    self.classes = classes
    self.flows = flows
    self.providers = providers
    self.globalRate = globalRate
    self.isSending = isSending
    self.pausedUsers = pausedUsers
    self.part = part
    self.parts = parts
  }

  /// Whether more of the same heads follow.
  public var isPart: Bool { (part ?? 1) < (parts ?? 1) }

  enum CodingKeys: String, CodingKey {
    case asOf = "as_of"
    case isComplete = "complete"
    case epoch
    case virtualTime = "virtual_time"
    case classes, flows, providers
    case globalRate = "global_rate"
    case isSending = "sending"
    case pausedUsers = "paused_users"
    case part, parts
  }
}
