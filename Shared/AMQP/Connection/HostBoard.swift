import NIOConcurrencyHelpers

/// What a process's connections tell each other about the broker's hosts.
///
/// A host that is cut off from the others answers and confirms nothing. A publisher finds that out; a consumer cannot, so
/// it is told, and leaves it as well.
final class HostBoard: Sendable {
  typealias Host = AMQPConfiguration.Host

  private struct State {
    var suspects: [(host: Host, until: ContinuousClock.Instant)] = []
    var guests: [UInt64: (host: Host, leave: @Sendable () -> Void)] = [:]
    var lastGuest: UInt64 = 0
  }

  /// How long a host that confirmed nothing is the last choice.
  static let suspicion = Duration.seconds(60)

  private let state = NIOLockedValueBox(State())

  /// Hosts that are to be avoided now, those found out first in front.
  func suspects(now: ContinuousClock.Instant = .now) -> [Host] {
    state.withLockedValue { state in
      state.suspects.removeAll { $0.until <= now }
      return state.suspects.map(\.host)
    }
  }

  /// A connection is on a host from now on.
  /// - Parameter leave: Ends the connection.
  /// - Returns: What to say when it has ended.
  func enter(_ host: Host, leave: @escaping @Sendable () -> Void) -> UInt64 {
    state.withLockedValue { state in
      state.lastGuest += 1
      state.guests[state.lastGuest] = (host, leave)
      return state.lastGuest
    }
  }

  func left(_ guest: UInt64) { state.withLockedValue { $0.guests[guest] = nil } }

  /// A publisher has left this host because it confirmed nothing: all others leave it, if there is another.
  func isStalled(_ host: Host, of hosts: Int, now: ContinuousClock.Instant = .now) {
    guard hosts > 1 else { return }
    let leaving = state.withLockedValue { state in
      state.suspects.removeAll { $0.host == host }
      state.suspects.append((host, now + Self.suspicion))
      let here = state.guests.filter { $0.value.host == host }
      for guest in here.keys { state.guests[guest] = nil }
      return here.values.map(\.leave)
    }
    for leave in leaving { leave() }
  }
}
