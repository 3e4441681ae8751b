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
