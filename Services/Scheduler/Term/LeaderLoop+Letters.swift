import AMQP
import Contracts
import Metering
import ServiceKit

/// A cancellation of a replay, under way.
struct ReplayCancellation: Sendable {
  var stored: ReplayCancellationStore.Cancellation
  /// What is acknowledged at its end; nothing while the command has not been delivered to this leader.
  var deliveries: [AMQPDelivery] = []
}

extension LeaderLoop {
  func replay(_ order: UnitReplay, _ header: EnvelopeHeader) async throws {
    let providers = Set(queue.board.providers.map(\.name))
    try await follow(ReplayStore(term: term, providers: providers).replay(order, header))
    if let expiresAt = order.expiresAt { times.include(SweepStore.Times(expiry: expiresAt)) }
  }

  func beginCancellation(of replay: ReplayID, _ header: EnvelopeHeader, _ delivery: AMQPDelivery) async throws {
    if let place = replayCancellations.firstIndex(where: { $0.stored.header.id == header.id }) {
      replayCancellations[place].deliveries.append(delivery)
      return
    }
    let begun = try await ReplayCancellationStore(term: term).begin(replay, header)
    await follow(begun.result)
    guard !begun.cancellation.isDone else { return await feed.acknowledge(delivery) }
    replayCancellations.append(ReplayCancellation(stored: begun.cancellation, deliveries: [delivery]))
  }

  /// Takes back the next units of the oldest cancellation under way.
  /// - Returns: Whether there was something to do.
  func continueReplayCancellation() async throws -> Bool {
    guard let current = replayCancellations.first else { return false }
    let step = try await ReplayCancellationStore(term: term).step(current.stored)
    await relay.add(step.outbox)
    replayCancellations[0].stored = step.cancellation
    guard step.cancellation.isDone else { return true }
    replayCancellations.removeFirst()
    Failpoint.reach(.commandCommitted)
    for delivery in current.deliveries { await feed.acknowledge(delivery) }
    return true
  }
}
