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

    public init(
      name: String, adapter: String, url: String, rate: Int, windowSeconds: Double, weight: Double, state: String
    ) {
      self.name = name
      self.adapter = adapter
      self.url = url
      self.rate = rate
      self.windowSeconds = windowSeconds
      self.weight = weight
      self.state = state
    }

    enum CodingKeys: String, CodingKey {
      case name, adapter, url, rate, weight, state
      case windowSeconds = "window_s"
    }
  }

  public var providers: [Entry]

  public init(providers: [Entry]) { self.providers = providers }
}
