import Contracts
import Metering

/// What a provider's settings say about retries, health, unknown outcomes and refusals.
struct ProviderPolicy: Sendable, Hashable {
  /// What to do when nobody knows whether an SMS arrived.
  enum OnUnknown: String, Sendable, Hashable {
    case resend, hold
  }

  var retry = RetryBackoff()
  var health = ProviderHealth.Rules()
  var unknown: [MessageClass: OnUnknown] = [.urgent: .resend, .normal: .hold, .bulk: .hold]
  /// What it refuses for good is a dead letter instead of failed.
  var keepsRejected = false

  func onUnknown(_ messageClass: MessageClass) -> OnUnknown { unknown[messageClass] ?? .hold }
}
