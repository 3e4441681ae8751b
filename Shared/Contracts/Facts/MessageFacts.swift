/// A caller's whole request, accepted: the caller holds a 202 as soon as the broker has confirmed this fact.
public struct MessageAccepted: Payload {
  public static let type = MessageType.messageAccepted

  public var messageID: MessageID
  public var userID: UserID
  public var messageClass: MessageClass
  public var content: String
  /// E.164, without repeats; the place in this array is the unit's index.
  public var recipients: [String]
  public var segments: Int
  /// `gsm7` or `ucs2`.
  public var encoding: String
  /// The user's share of their class (default 1), as the gateway knew it.
  public var weight: Double
  /// Pins the message to one provider.
  public var provider: String?
  /// The only ones that may carry it, sorted; `nil` for all.
  public var providers: [String]?
  /// Not sent before.
  public var sendAt: Timestamp?
  /// What has not been sent by then becomes `expired`.
  public var expiresAt: Timestamp?
  /// The caller's own reference.
  public var reference: String?
  public var acceptedAt: Timestamp

  public init(
    messageID: MessageID, userID: UserID, messageClass: MessageClass, content: String, recipients: [String],
    segments: Int, encoding: String, weight: Double = 1, provider: String? = nil, providers: [String]? = nil,
    sendAt: Timestamp? = nil, expiresAt: Timestamp? = nil, reference: String? = nil, acceptedAt: Timestamp
  ) {
    self.messageID = messageID
    self.userID = userID
    self.messageClass = messageClass
    self.content = content
    self.recipients = recipients
    self.segments = segments
    self.encoding = encoding
    self.weight = weight
    self.provider = provider
    self.providers = providers
    self.sendAt = sendAt
    self.expiresAt = expiresAt
    self.reference = reference
    self.acceptedAt = acceptedAt
  }

  enum CodingKeys: String, CodingKey {
    case messageID = "message_id"
    case userID = "user_id"
    case messageClass = "class"
    case content, recipients, segments, encoding, weight, provider, providers, reference
    case sendAt = "send_at"
    case expiresAt = "expires_at"
    case acceptedAt = "accepted_at"
  }
}

/// The scheduler has taken messages into its backlog and numbered their units within their flow.
public struct MessagesQueued: Payload {
  public static let type = MessageType.messageQueued

  /// One message and its place: unit *i* has number `firstNumber + i` in the flow.
  public struct Entry: Codable, Sendable, Hashable {
    public var messageID: MessageID
    public var flowID: Int64
    public var firstNumber: Int64
    public var total: Int

    public init(messageID: MessageID, flowID: Int64, firstNumber: Int64, total: Int) {
      self.messageID = messageID
      self.flowID = flowID
      self.firstNumber = firstNumber
      self.total = total
    }

    enum CodingKeys: String, CodingKey {
      case messageID = "message_id"
      case flowID = "flow_id"
      case firstNumber = "first_number"
      case total
    }
  }

  public var messages: [Entry]
  public var queuedAt: Timestamp

  public init(messages: [Entry], queuedAt: Timestamp) {
    self.messages = messages
    self.queuedAt = queuedAt
  }

  enum CodingKeys: String, CodingKey {
    case messages
    case queuedAt = "queued_at"
  }
}

/// Messages all of whose units are final, as the scheduler counts them.
public struct MessagesFinished: Payload {
  public static let type = MessageType.messageFinished

  public struct Entry: Codable, Sendable, Hashable {
    public var messageID: MessageID
    public var status: JobStatus
    public var counts: UnitCounts
    public var finishedAt: Timestamp

    public init(messageID: MessageID, counts: UnitCounts, finishedAt: Timestamp) {
      self.messageID = messageID
      status = counts.jobStatus
      self.counts = counts
      self.finishedAt = finishedAt
    }

    enum CodingKeys: String, CodingKey {
      case messageID = "message_id"
      case status, counts
      case finishedAt = "finished_at"
    }
  }

  public var messages: [Entry]

  public init(messages: [Entry]) { self.messages = messages }
}
