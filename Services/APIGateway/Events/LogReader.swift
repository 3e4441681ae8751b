import AMQP
import Contracts
import Logging
import Metering
import NIOConcurrencyHelpers
import ServiceKit

/// Reads the log again from a place, for one stream that has fallen behind what this replica remembers.
///
/// It reads no further ahead than one batch: the next is fetched when the last has been taken.
final class LogReader: Sendable {
  /// Reads by a consumer of its own; tests put another in its place.
  struct Source: Sendable {
    var configuration: AMQPConfiguration
    var logger: Logger
  }

  private struct State {
    var batch: [LiveFact] = []
    /// The next fact that has not been read.
    var next: UInt64
    var isFirst = true
    var count = 0
    var hasGap = false
  }

  private let source: Source
  private let owners: OwnerDirectory
  private let onBatch: RefreshSignal
  private let onTaken = RefreshSignal()
  private let state: NIOLockedValueBox<State>

  init(from next: UInt64, source: Source, owners: OwnerDirectory, onBatch: RefreshSignal) {
    self.source = source
    self.owners = owners
    self.onBatch = onBatch
    state = NIOLockedValueBox(State(next: next))
  }

  /// How many facts have been read.
  var count: Int { state.withLockedValue { $0.count } }

  /// True when the log no longer holds the first fact that was asked for.
  var hasGap: Bool { state.withLockedValue { $0.hasGap } }

  /// - Returns: What has been read and not taken, and the place behind it.
  func take() -> (facts: [LiveFact], next: UInt64) {
    let taken = state.withLockedValue { state in
      defer { state.batch = [] }
      return (state.batch, state.next)
    }
    if !taken.0.isEmpty { onTaken.ring() }
    return taken
  }

  /// Reads until cancelled.
  func run() async {
    let consumer = AMQPConsumer(
      configuration: source.configuration,
      subscriptions: [
        AMQPSubscription(
          queue: BrokerNames.log, prefetch: 128, streamOffset: .offset(state.withLockedValue { $0.next }))
      ], logger: source.logger)
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        // It ends by cancellation alone, and then there is nothing to say.
        try? await consumer.run()
      }
      var translator = FactTranslator(isLive: false)
      while !Task.isCancelled {
        let deliveries = await consumer.deliveries.batch(upTo: 64)
        guard let last = deliveries.last else { break }
        await keep(deliveries, &translator)
        await consumer.acknowledge(last, multiple: true)
        while !Task.isCancelled, !state.withLockedValue({ $0.batch.isEmpty }) {
          await onTaken.wait(atMost: .seconds(5))
        }
      }
      group.cancelAll()
    }
  }

  private func keep(_ deliveries: [AMQPDelivery], _ translator: inout FactTranslator) async {
    let wanted = state.withLockedValue { $0.next }
    let raw = deliveries.compactMap { delivery -> LiveFeed.Raw? in
      guard let offset = delivery.streamOffset, offset >= wanted,
        let type = MessageType(rawValue: delivery.routingKey)
      else { return nil }
      return LiveFeed.Raw(offset: offset, type: type, body: delivery.body)
    }
    let facts = await LiveFeed.live(raw, &translator, owners: owners, attempts: 1) { QueueSnapshot() }
    let end = deliveries.compactMap(\.streamOffset).max()
    state.withLockedValue { state in
      if state.isFirst, let first = deliveries.compactMap(\.streamOffset).min() {
        state.hasGap = first > state.next
        state.isFirst = false
      }
      state.batch += facts
      state.count += deliveries.count
      if let end { state.next = max(state.next, end + 1) }
    }
    onBatch.ring()
  }
}
