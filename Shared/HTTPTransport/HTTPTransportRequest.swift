/// One request over HTTP/1.1.
public struct HTTPTransportRequest: Sendable {
  /// The method, such as `POST`.
  public var method: String
  /// The whole URL, with its query.
  public var url: String
  /// Header fields in order. `Host`, `Content-Length` and `User-Agent` are added; no `Expect` is sent.
  public var headers: [(String, String)]
  /// The body; sent for every method but `GET` and `HEAD`.
  public var body: [UInt8]
  /// The limit for resolving, connecting and TLS together.
  public var connectTimeout: Duration
  /// The limit for everything from the start to the end of the answer.
  public var timeout: Duration
  /// The proxy to go through, `http://[user:password@]host:port`, instead of the transport's; `https:` by CONNECT.
  public var proxy: String?
  /// How many bytes of the answer's body are read; a longer one is cut there and is not complete.
  public var responseLimit: Int
  /// When the right to send was obtained; `nil` for no limit.
  public var claimedAt: ContinuousClock.Instant?
  /// How long after `claimedAt` the first byte may be written.
  public var claimLimit: Duration
  /// How long after `claimedAt` a request may begin anew on another connection, when a kept one was found dead with
  /// nothing written: later than this the time of the first byte is for good.
  public static let repeatLimit = Duration.milliseconds(150)
  /// Whether a kept connection may be used, and this one kept.
  public var reuseConnections: Bool

  /// Creates a request; the defaults suit a call to a provider.
  public init(
    method: String = "POST", url: String, headers: [(String, String)] = [], body: [UInt8] = [],
    connectTimeout: Duration = .seconds(3), timeout: Duration = .seconds(30), proxy: String? = nil,
    responseLimit: Int = 65_536,
    claimedAt: ContinuousClock.Instant? = nil, claimLimit: Duration = .milliseconds(100),
    reuseConnections: Bool = true
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.connectTimeout = connectTimeout
    self.timeout = timeout
    self.proxy = proxy
    self.responseLimit = responseLimit
    self.claimedAt = claimedAt
    self.claimLimit = claimLimit
    self.reuseConnections = reuseConnections
  }

  /// Whether the peer may get the request twice without harm.
  var isRepeatable: Bool { method == "GET" || method == "HEAD" }
}
