/// A provider's settings or state changed. No secrets.
public struct ProvidersChanged: Payload {
  public static let type = MessageType.providerChanged

  public struct Entry: Codable, Sendable, Hashable {
    public var name: String
    public var adapter: String
    /// Where requests go, without user info and query.
    public var url: String
    /// SMS per window.
    public var rate: Int
    public var windowSeconds: Double
    public var weight: Double
    /// `healthy`, `unhealthy`, `probing`, `paused`.
    public var state: String
    /// Why it is paused: `admin`, or `credentials` after three refusals in a row; absent when it is not.
    public var pauseReason: String?
    /// The settings that override the providers file: `rate`, `window_s`, `weight`, `paused`.
    public var overridden: [String]?

    public init(
      name: String, adapter: String, url: String, rate: Int, windowSeconds: Double, weight: Double, state: String,
      pauseReason: String? = nil, overridden: [String]? = nil
    ) {
      self.name = name
      self.adapter = adapter
      self.url = url
      self.rate = rate
      self.windowSeconds = windowSeconds
      self.weight = weight
      self.state = state
      self.pauseReason = pauseReason
      self.overridden = overridden
    }

    enum CodingKeys: String, CodingKey {
      case name, adapter, url, rate, weight, state, overridden
      case windowSeconds = "window_s"
      case pauseReason = "pause_reason"
    }
  }

  public var providers: [Entry]

  public init(providers: [Entry]) { self.providers = providers }
}
