import Contracts
import Metering
import ServiceKit

extension ProviderSettings {
  /// The limit as gates enforce it; the store gives it its version.
  var providerLimit: ProviderLimit {
    ProviderLimit(
      count: limit.count, windowMilliseconds: max(1, Int((limit.window.inSeconds * 1000).rounded())), pacing: pacing,
      version: 1)
  }

  /// Retries and unknown outcomes.
  var policy: ProviderPolicy {
    ProviderPolicy(
      retry: RetryBackoff(maxAttempts: retry.maxAttempts, base: retry.base.inSeconds, cap: retry.cap.inSeconds),
      unknown: onUnknown.mapValues { $0 == .resend ? .resend : .hold })
  }

  /// What others may know of it: the address without user info and query.
  var fact: ProvidersChanged.Entry {
    ProvidersChanged.Entry(
      name: name, adapter: adapter.rawValue, url: publicURL, rate: limit.count,
      windowSeconds: limit.window.inSeconds, weight: weight, state: "healthy")
  }
}
