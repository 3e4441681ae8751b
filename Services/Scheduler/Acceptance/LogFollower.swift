import AMQP
import Contracts
import Logging
import ServiceKit

/// Reads the log for what was accepted and what was queued, and hands the differences to the leader's loop.
///
/// It offers nothing that is older than a day: the scheduler forgets a message a week after its end, and must not take one
/// in again that it has forgotten.
struct LogFollower: Sendable {
  static let oldest = Duration.seconds(86_400)

  let store: AcceptanceStore
  let amqp: AMQPConfiguration
  let inbox: Inbox
  let logger: Logger

  /// Works until cancelled.
  func run() async throws {
    let began = Timestamp.now()
    let readTo = try await store.readTo() ?? began + .seconds(-600)
    // A place by time is one of chunks, and clocks differ.
    let start = max(readTo + .seconds(-60), began + (.zero - Self.oldest))
    let consumer = AMQPConsumer(
      configuration: amqp,
      subscriptions: [
        AMQPSubscription(
          queue: BrokerNames.log, prefetch: 512,
          streamOffset: .timestamp(UInt64(max(0, start.microseconds / 1_000_000))), silence: .seconds(6))
      ], logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await consumer.run() }
      group.addTask { try await follow(consumer, from: start) }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  private func follow(_ consumer: AMQPConsumer, from start: Timestamp) async throws {
    var check = AcceptanceCheck()
    var heardTo = start
    var savedAt = ContinuousClock.now
    while !Task.isCancelled {
      // The beat of the log ends a quiet wait every other second.
      let batch = await consumer.deliveries.batch(upTo: 256)
      guard let last = batch.last else { return }
      let now = ContinuousClock.now
      for delivery in batch { hear(delivery, from: start, &check, &heardTo, now) }
      await consumer.acknowledge(last, multiple: true)
      let untold = check.takeUntold(now: now)
      // A queue that is behind is no queue that has lost something.
      let unqueued = inbox.isBehind(now: now) ? [] : check.takeUnqueued(now: now)
      let youngest = Timestamp.now() + (.zero - Self.oldest)
      inbox.add(untold: untold, unqueued: unqueued.filter { $0.acceptedAt > youngest }.map(\.body))
      if now - savedAt > .seconds(10) {
        savedAt = now
        try await store.save(readTo: min(check.oldest ?? heardTo, heardTo))
      }
    }
  }

  private func hear(
    _ delivery: AMQPDelivery, from start: Timestamp, _ check: inout AcceptanceCheck, _ heardTo: inout Timestamp,
    _ now: ContinuousClock.Instant
  ) {
    do {
      switch delivery.routingKey {
      case MessageType.messageAccepted.rawValue:
        let envelope = try Wire.decode(MessageAccepted.self, from: delivery.body)
        check.hear(
          accepted: envelope.body.messageID, at: envelope.body.acceptedAt, body: delivery.body, now: now)
        heardTo = max(heardTo, envelope.header.at)
      case MessageType.messageQueued.rawValue:
        let fact = try Wire.decode(MessagesQueued.self, from: delivery.body).body
        heardTo = max(heardTo, fact.queuedAt)
        // What was accepted before the place at which the reading began was told before it, too.
        let ids = fact.messages.map(\.messageID).filter {
          ($0.creationTime ?? fact.queuedAt + .seconds(-85)) > start + .seconds(5)
        }
        check.hear(queued: ids, now: now)
      default: break
      }
    } catch {
      // The projector reports what cannot be read.
    }
  }
}
