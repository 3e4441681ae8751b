import Contracts

/// One provider of the providers file.
public struct ProviderSettings: Sendable, Hashable {
  public var name: String
  public var adapter: ProviderAdapterKind
  /// Where requests are posted to. May hold credentials: never logged.
  public var url: String
  public var limit: ProviderRate
  public var weight = 1.0
  public var meterUnit = MeterUnit.message
  public var pacing = Pacing.sliding
  public var connectTimeout = Duration.seconds(3)
  public var timeout = Duration.seconds(30)
  /// How long after the gate let it through a request's first byte may be written: the time to resolve, connect and set
  /// TLS up. What is connected later is not sent, and asks again.
  public var claimLimit = Duration.milliseconds(1_100)
  public var numberFormat = RecipientFormat.digits
  public var onUnknown: [MessageClass: UnknownPolicy] = [.urgent: .resend, .normal: .hold, .bulk: .hold]
  /// What becomes of an SMS that the provider refused for good.
  public var onRejected = RejectedPolicy.fail
  public var health = HealthPolicy()
  public var retry = RetryPolicy()
  /// First match wins, before the adapter's defaults.
  public var replies: [ReplyRule] = []
  /// The proxy that requests go through, `http://[user:password@]host:port`. May hold credentials: never logged.
  public var proxy: String?
  /// Whether a 2xx of HKT's with neither a status nor a reason is unknown instead of accepted.
  public var isStrict = false
  /// HKT's application id. Secret.
  public var application: String?
  /// HKT's sender number.
  public var senderNumber: String?

  public init(name: String, adapter: ProviderAdapterKind, url: String, limit: ProviderRate) {
    self.name = name
    self.adapter = adapter
    self.url = url
    self.limit = limit
  }

  /// The URL without user info, query and fragment, for people to see.
  public var publicURL: String { ProviderURL.withoutSecrets(url) }
}
