/// The order to send SMS to one provider, on the queue `send.PROVIDER`. A repeat carries the same attempts.
public struct SendCommand: Payload {
  public static let type = MessageType.send

  public struct Attempt: Codable, Sendable, Hashable {
    public var id: AttemptID
    /// E.164.
    public var phone: String
    public var content: String
    /// What the SMS takes of the provider's limit: 1, or its segments.
    public var cost: Int
    /// How often the provider has throttled this SMS before; absent when never.
    public var throttles: Int?

    public init(id: AttemptID, phone: String, content: String, cost: Int, throttles: Int? = nil) {
      self.id = id
      self.phone = phone
      self.content = content
      self.cost = cost
      self.throttles = throttles
    }
  }

  public var provider: String
  public var attempts: [Attempt]
  /// By PostgreSQL's clock: an attempt that has not been claimed by then is not sent.
  public var notAfter: Timestamp
  public var limit: ProviderLimit

  public init(provider: String, attempts: [Attempt], notAfter: Timestamp, limit: ProviderLimit) {
    self.provider = provider
    self.attempts = attempts
    self.notAfter = notAfter
    self.limit = limit
  }

  enum CodingKeys: String, CodingKey {
    case provider, attempts, limit
    case notAfter = "not_after"
  }
}

/// A provider's limit as the gate enforces it: at most `count` in any `windowMilliseconds`.
public struct ProviderLimit: Codable, Sendable, Hashable {
  public var count: Int
  public var windowMilliseconds: Int
  public var pacing: Pacing
  /// Rises with every change of the settings; the gate keeps the highest it saw.
  public var version: Int64

  public init(count: Int, windowMilliseconds: Int, pacing: Pacing, version: Int64) {
    self.count = count
    self.windowMilliseconds = windowMilliseconds
    self.pacing = pacing
    self.version = version
  }

  enum CodingKeys: String, CodingKey {
    case count
    case windowMilliseconds = "window_ms"
    case pacing, version
  }
}

/// From when on a sent SMS frees its place in the provider's window.
public enum Pacing: String, Codable, Sendable, Hashable {
  /// One window after the answer, or after the start + 250 ms, whichever is earlier.
  case sliding
  /// One window after the answer alone: exact whatever the network does, and slower.
  case strict
}
