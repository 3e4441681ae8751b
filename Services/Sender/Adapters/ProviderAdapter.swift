import Contracts
import HTTPTransport
import Logging
import ServiceKit

/// How one kind of provider is asked to send an SMS.
struct ProviderAdapter: Sendable {
  let settings: ProviderSettings
  private let classifier: ReplyClassifier
  private let watch: ReplyWatch

  init(settings: ProviderSettings, logger: Logger) {
    self.settings = settings
    let success: ReplyClassifier.SuccessRule =
      switch settings.adapter {
      case .hkt: .hkt(isStrict: settings.isStrict)
      case .json: .jsonObject
      }
    classifier = ReplyClassifier(rules: settings.replies, success: success)
    watch = ReplyWatch(provider: settings.name, logger: logger)
  }

  /// What became of an attempt; `nil` when its claim went stale before the first byte. An answer that was not understood is
  /// counted.
  func verdict(on result: HTTPTransportExchange.Result) -> ReplyClassifier.Verdict? {
    let verdict = classifier.verdict(on: result, now: .now())
    if let verdict { watch.note(verdict) }
    return verdict
  }

  /// The request for one SMS. It is sent only while its claim is fresh.
  func request(for attempt: SendCommand.Attempt, claimedAt: ContinuousClock.Instant) -> HTTPTransportRequest {
    let number = settings.numberFormat.text(of: attempt.phone)
    let (contentType, body) =
      switch settings.adapter {
      case .hkt:
        (
          "application/x-www-form-urlencoded",
          FormEncoding.encode([
            ("application", settings.application ?? ""), ("mrt", number), ("sender", settings.senderNumber ?? ""),
            ("msg_utf8", attempt.content),
          ])
        )
      case .json:
        ("application/json", JSONBody.encode(phone: number, text: attempt.content))
      }
    return HTTPTransportRequest(
      method: "POST", url: settings.url, headers: [("Content-Type", contentType)], body: body,
      connectTimeout: settings.connectTimeout, timeout: settings.timeout, proxy: settings.proxy, claimedAt: claimedAt,
      claimLimit: claimLimit,
      reuseConnections: isEncrypted || settings.limit.rate > 20)
  }

  /// How long after its claim a request's first byte may be written.
  ///
  /// The gate counts with the worst of it only until the first byte is noted, so a long limit costs no slots.
  var claimLimit: Duration { settings.claimLimit }

  private var isEncrypted: Bool { settings.url.lowercased().hasPrefix("https:") }
}
