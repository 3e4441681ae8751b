import Contracts
import Foundation
import Metering
import ServiceKit

extension ProviderSettings {
  /// The limit as gates enforce it; the store gives it its version.
  var providerLimit: ProviderLimit {
    ProviderLimit(
      count: rate, windowMilliseconds: max(1, Int((windowSeconds * 1000).rounded())), pacing: pacing, version: 1)
  }

  /// Retries and unknown outcomes.
  var policy: ProviderPolicy {
    ProviderPolicy(
      retry: RetryBackoff(maxAttempts: retry.maxAttempts, base: retry.baseSeconds, cap: retry.capSeconds),
      unknown: onUnknown.mapValues { $0 == .resend ? .resend : .hold })
  }

  /// What others may know of it: the address without user info and query.
  var fact: ProvidersChanged.Entry {
    var address = URLComponents(string: url)
    address?.user = nil
    address?.password = nil
    address?.query = nil
    return ProvidersChanged.Entry(
      name: name, adapter: adapter.rawValue, url: address?.string ?? "", rate: rate, windowSeconds: windowSeconds,
      weight: weight, state: "healthy")
  }
}
