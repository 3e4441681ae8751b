import Contracts

/// One provider as it stands now: its settings in force and what the scheduler last said of it.
struct ProviderStanding: Sendable, Equatable {
  var name: String
  /// As the providers file has it; `nil` for one that only the scheduler knows.
  var file: ConfiguredProvider?
  /// The settings in force; `nil` until the scheduler has told them.
  var settings: ProvidersChanged.Entry?
  /// `nil` until the scheduler has told it.
  var pace: ProviderPace?
  /// `healthy`, `unhealthy`, `probing`, `paused`: the last word of either fact.
  var state: String?
  /// `admin` or `credentials`.
  var pauseReason: String?
  private var newestWeight: Double?

  init(name: String) { self.name = name }

  var adapter: String? { settings?.adapter ?? file?.adapter }
  var url: String? { settings?.url ?? file?.url }
  /// SMS per window.
  var rate: Int? { settings?.rate ?? file?.rate }
  var windowSeconds: Double? { settings?.windowSeconds ?? file?.windowSeconds }
  var weight: Double? { newestWeight ?? file?.weight }
  var isPaused: Bool { state == "paused" }
  /// The settings that override the file.
  var overridden: [String] { settings?.overridden ?? [] }

  mutating func note(_ entry: ProvidersChanged.Entry) {
    settings = entry
    state = entry.state
    pauseReason = entry.pauseReason
    newestWeight = entry.weight
  }

  mutating func note(_ pace: ProviderPace) {
    self.pace = pace
    state = pace.state
    pauseReason = pace.pauseReason
    newestWeight = pace.weight ?? newestWeight
  }
}

extension ProviderStanding {
  /// As it is once an override is in force, whether or not the scheduler's fact has come by.
  func applying(_ change: ProviderSet) -> ProviderStanding {
    guard let file else { return self }
    var changed = self
    var entry =
      settings
      ?? ProvidersChanged.Entry(
        name: name, adapter: file.adapter, url: file.url, rate: file.rate, windowSeconds: file.windowSeconds,
        weight: file.weight, state: state ?? "healthy")
    var overridden = Set(self.overridden)
    func apply<Value>(_ change: SettingChange<Value>, _ name: String, file: Value, to value: inout Value) {
      switch change {
      case .unchanged: break
      case .file:
        value = file
        overridden.remove(name)
      case .value(let new):
        value = new
        overridden.insert(name)
      }
    }
    var weight = self.weight ?? file.weight
    var isPaused = self.isPaused
    apply(change.rate, "rate", file: file.rate, to: &entry.rate)
    apply(change.windowSeconds, "window_s", file: file.windowSeconds, to: &entry.windowSeconds)
    apply(change.weight, "weight", file: file.weight, to: &weight)
    apply(change.isPaused, "paused", file: false, to: &isPaused)
    entry.overridden = overridden.sorted()
    entry.weight = weight
    changed.settings = entry
    changed.newestWeight = weight
    if isPaused != self.isPaused {
      changed.state = isPaused ? "paused" : "healthy"
      changed.pauseReason = isPaused ? "admin" : nil
    }
    let rate = Double(entry.rate) / entry.windowSeconds
    changed.pace?.nominalRate = rate
    changed.pace?.effectiveRate = isPaused ? 0 : min(pace?.effectiveRate ?? rate, rate)
    return changed
  }
}
