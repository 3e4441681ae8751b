/// What all requests of a transport have in common.
public struct HTTPTransportConfiguration: Sendable {
  /// The `User-Agent` header.
  public var userAgent: String
  /// The proxy's URL, or `nil` for none. Proxy variables of the environment are not looked at.
  public var proxy: String?
  /// Whether `http:` URLs are served; without it they fail before anything is sent.
  public var allowInsecureHTTP: Bool
  /// A file with the certificate authorities to trust, instead of the system's.
  public var authoritiesFile: String?
  /// How long an unused connection is kept (whole seconds). Short, because the peer's own limit is unknown and a request on
  /// a connection that the peer just closed ends as `.unknown`.
  public var idleLimit: Duration
  /// How many unused connections are kept.
  public var keptConnections: Int

  /// Creates a configuration that serves `https:` only, unless told otherwise.
  public init(
    userAgent: String = "Sluice", proxy: String? = nil, allowInsecureHTTP: Bool = false,
    authoritiesFile: String? = nil, idleLimit: Duration = .seconds(5), keptConnections: Int = 256
  ) {
    self.userAgent = userAgent
    self.proxy = proxy
    self.allowInsecureHTTP = allowInsecureHTTP
    self.authoritiesFile = authoritiesFile
    self.idleLimit = idleLimit
    self.keptConnections = keptConnections
  }
}
