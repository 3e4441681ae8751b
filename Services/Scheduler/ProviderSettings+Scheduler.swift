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

  /// What the store compares with what admins override.
  var stored: ProviderStore.FileSettings {
    ProviderStore.FileSettings(name: name, limit: providerLimit, weight: weight)
  }

  /// Retries, health, unknown outcomes and refusals.
  var policy: ProviderPolicy {
    ProviderPolicy(
      retry: RetryBackoff(maxAttempts: retry.maxAttempts, base: retry.base.inSeconds, cap: retry.cap.inSeconds),
      health: ProviderHealth.Rules(
        window: health.window.inSeconds, failureRate: health.failureRate, minSamples: health.minSamples,
        cooldown: health.cooldown.inSeconds),
      unknown: onUnknown.mapValues { $0 == .resend ? .resend : .hold }, keepsRejected: onRejected == .keep)
  }

  /// What others may know of it: the address without user info and query, the settings in force.
  func fact(_ stored: ProviderStore.Stored) -> ProvidersChanged.Entry {
    let isHealthy = stored.condition.unhealthyUntil == nil
    return ProvidersChanged.Entry(
      name: name, adapter: adapter.rawValue, url: publicURL, rate: stored.limit.count,
      windowSeconds: Double(stored.limit.windowMilliseconds) / 1000, weight: stored.weight,
      state: stored.condition.pause != nil ? "paused" : isHealthy ? "healthy" : "unhealthy",
      pauseReason: stored.condition.pause?.rawValue, overridden: stored.overridden)
  }
}
