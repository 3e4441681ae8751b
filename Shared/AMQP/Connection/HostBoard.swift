import NIOConcurrencyHelpers

/// What a process's connections tell each other about the broker's hosts.
///
/// A host that is cut off from the others answers and confirms nothing. A publisher finds that out; a consumer of a queue
/// cannot: to it, silence looks like an empty queue. So consumers of queues stay where the process's publisher is, and
/// leave a host with it.
final class HostBoard: Sendable {
  typealias Host = AMQPConfiguration.Host

  /// Why a connection is asked to leave a host.
  enum Reason: String, Sendable {
    case stalled = "another connection found that this host confirms nothing"
    case moved = "the publisher works on another host"
  }

  private struct Guest {
    var host: Host
    var followsPublisher: Bool
    var leave: @Sendable (Reason) -> Void
  }

  private struct State {
    var suspects: [(host: Host, until: ContinuousClock.Instant)] = []
    /// Where the publisher is and has had something confirmed.
    var home: Host?
    /// The hosts in the order in which every connection of this process tries them.
    var order: [Host] = []
    var guests: [UInt64: Guest] = [:]
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

  /// Where a publisher works: the place for consumers of queues. `nil` while that is unknown.
  var home: Host? { state.withLockedValue { $0.home } }

  /// These hosts, shuffled once for the process: its connections begin at the same one, those of others elsewhere.
  func order(of hosts: [Host]) -> [Host] {
    state.withLockedValue { state in
      if state.order.count != hosts.count || !hosts.allSatisfy(state.order.contains) { state.order = hosts.shuffled() }
      return state.order
    }
  }

  /// A connection is on a host from now on.
  /// - Parameters:
  ///   - followsPublisher: It cannot find out by itself that the host does not work.
  ///   - leave: Ends the connection.
  /// - Returns: What to say when it has ended.
  func enter(
    _ host: Host, followsPublisher: Bool = false, leave: @escaping @Sendable (Reason) -> Void
  ) -> UInt64 {
    state.withLockedValue { state in
      state.lastGuest += 1
      state.guests[state.lastGuest] = Guest(host: host, followsPublisher: followsPublisher, leave: leave)
      return state.lastGuest
    }
  }

  func left(_ guest: UInt64) { state.withLockedValue { $0.guests[guest] = nil } }

  /// A publisher has left this host because it confirmed nothing: all others leave it, if there is another.
  func isStalled(_ host: Host, of hosts: Int, now: ContinuousClock.Instant = .now) {
    guard hosts > 1 else { return }
    evict(.stalled) { state in
      if state.home == host { state.home = nil }
      state.suspects.removeAll { $0.host == host }
      state.suspects.append((host, now + Self.suspicion))
      return state.guests.filter { $0.value.host == host }.map(\.key)
    }
  }

  /// A host has confirmed a publisher's first message on a new connection: consumers of queues come there.
  func confirms(_ host: Host) {
    evict(.moved) { state in
      state.suspects.removeAll { $0.host == host }
      guard state.home != host else { return [] }
      state.home = host
      return state.guests.filter { $0.value.followsPublisher && $0.value.host != host }.map(\.key)
    }
  }

  private func evict(_ reason: Reason, _ choose: (inout State) -> [UInt64]) {
    let leaving = state.withLockedValue { state in
      choose(&state).compactMap { state.guests.removeValue(forKey: $0)?.leave }
    }
    for leave in leaving { leave(reason) }
  }
}
