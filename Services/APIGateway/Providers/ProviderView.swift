import Contracts
import NIOConcurrencyHelpers

/// The providers as this replica knows them: from the file, and from what the scheduler last said.
final class ProviderView: Sendable {
  private let state: NIOLockedValueBox<State>

  private struct State {
    var providers: [String: ProviderStanding] = [:]
    var epoch: Int64 = -1
    var asOf: Timestamp?
    var globalRate: Double?
  }

  /// One look at everything.
  struct Snapshot: Sendable {
    /// In the order of their names.
    var providers: [ProviderStanding]
    /// When the scheduler last said how they do; `nil` before it did.
    var asOf: Timestamp?
    /// SMS per second over all of them; `nil` without a limit.
    var globalRate: Double?
  }

  /// - Parameter configured: The file's providers.
  init(_ configured: [ConfiguredProvider] = []) {
    var state = State()
    for provider in configured {
      var standing = ProviderStanding(name: provider.name)
      standing.file = provider
      state.providers[provider.name] = standing
    }
    self.state = NIOLockedValueBox(state)
  }

  var snapshot: Snapshot {
    state.withLockedValue { state in
      Snapshot(
        providers: state.providers.values.sorted { $0.name < $1.name }, asOf: state.asOf, globalRate: state.globalRate)
    }
  }

  subscript(name: String) -> ProviderStanding? { state.withLockedValue { $0.providers[name] } }

  /// Takes what the scheduler says of all of them; an older leader's word is ignored. Who is neither named nor in the file
  /// is gone.
  func apply(_ change: QueueChanged) {
    state.withLockedValue { state in
      guard change.epoch >= state.epoch else { return }
      state.epoch = change.epoch
      state.asOf = change.asOf
      state.globalRate = change.globalRate
      let names = Set(change.providers.map(\.provider))
      state.providers = state.providers.filter { $0.value.file != nil || names.contains($0.key) }
      for pace in change.providers {
        state.providers[pace.provider, default: ProviderStanding(name: pace.provider)].note(pace)
      }
    }
  }

  /// Takes settings that changed.
  func apply(_ change: ProvidersChanged) {
    state.withLockedValue { state in
      for entry in change.providers {
        state.providers[entry.name, default: ProviderStanding(name: entry.name)].note(entry)
      }
    }
  }
}
