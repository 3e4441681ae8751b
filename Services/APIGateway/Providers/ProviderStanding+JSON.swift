import Contracts

extension ProviderStanding {
  /// Settings and state, for everyone.
  func write(_ json: inout JSONWriter) {
    json.member("id", name)
    json.member("adapter", adapter)
    json.member("url", url)
    json.member("rate", rate)
    json.member("window_s", number: windowSeconds)
    json.member("weight", number: weight)
    json.member("state", state)
    json.member("pause_reason", pauseReason)
    json.member("effective_rate", number: pace?.effectiveRate)
    json.member("in_flight", pace?.inFlight)
  }

  /// Its state, and how it fared in the health window.
  func writeHealth(_ json: inout JSONWriter) {
    writeWindow(&json)
    json.member("state", state)
    json.member("pause_reason", pauseReason)
  }

  /// How it fared in the health window.
  func writeWindow(_ json: inout JSONWriter) {
    let (successes, failures) = (pace?.successes ?? 0, pace?.failures ?? 0)
    let total = successes + failures
    json.member("provider_id", name)
    json.member("is_healthy", isHealthy)
    json.member("success_count", successes)
    json.member("failure_count", failures)
    json.member("failure_rate", total == 0 ? 0 : Double(failures) / Double(total))
    json.member("unhealthy_until", pace?.unhealthyUntil)
  }

  /// Everything that an admin may change, beside what the file says.
  func writeSettings(_ json: inout JSONWriter) {
    write(&json)
    json.member("name", name)
    json.member("paused", isPaused)
    json.array("overridden", overridden) { json, setting in json.element(setting) }
    if let file {
      json.object("file") { json in
        json.member("rate", file.rate)
        json.member("window_s", number: file.windowSeconds)
        json.member("weight", number: file.weight)
      }
    } else {
      json.null("file")
    }
    json.member("nominal_rate", number: pace?.nominalRate)
    json.member("gate_opens_at", pace?.gateOpensAt)
    json.member("unhealthy_until", pace?.unhealthyUntil)
    json.member("sent", pace?.sent.map { Int($0) })
  }

  /// A pause says nothing about health.
  private var isHealthy: Bool { state == "healthy" || isPaused && pace?.unhealthyUntil == nil }
}
