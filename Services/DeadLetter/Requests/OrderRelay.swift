import AMQP
import Contracts
import Logging
import Postgres
import ServiceKit

/// Publishes what requests have left to be published: orders to the scheduler, and poison messages back to their queues.
///
/// Any number of replicas, and consoles, may do so side by side: each takes what no other has in hand. What is
/// published twice has the same id.
struct OrderRelay: Sendable {
  var pool: PostgresPool
  var publisher: AMQPPublisher
  /// Rung after a commit that left something.
  var bell: Bell
  var logger: Logger

  /// Shorter than a transaction may be idle.
  private static let confirmTime = Duration.seconds(2)

  /// Works until cancelled.
  func run() async throws {
    while true {
      try Task.checkCancellation()
      try await relayAll()
      await bell.wait(until: .now + .seconds(1))
    }
  }

  /// Publishes all that is there now. What fails comes last the next time, so that it holds nothing else up.
  /// - Throws: What the broker or the database says; what is left stays.
  func relayAll() async throws {
    var failure: (any Error)?
    for relay in [relayOrder, relayReturn] {
      do {
        while try await relay() {}
      } catch {
        failure = failure ?? error
      }
    }
    if let failure { throw failure }
  }

  private func relayOrder() async throws -> Bool {
    var failed: PendingOrder?
    do {
      return try await pool.withTransaction { connection in
        guard let order = try await PendingOrder.next(connection) else { return false }
        failed = order
        if let message = try await order.message(connection) {
          try await publisher.publish(
            AMQPMessage(body: message.body, messageID: order.commandID.description, type: message.type.rawValue),
            exchange: BrokerNames.commands, routingKey: message.type.rawValue, timeout: Self.confirmTime)
        }
        Failpoint.reach(.letterOrderPublished)
        try await order.markPublished(connection)
        return true
      }
    } catch {
      if let failed, Self.isItsOwn(error) {
        logger.error(
          "order not published",
          metadata: [LogKey.commandID: "\(failed.commandID)", LogKey.error: "\(error)"])
        try await pool.withConnection { try await failed.markFailed($0) }
      }
      throw error
    }
  }

  /// Whether an error may be about the one message alone. What the database or a shutdown causes is not.
  private static func isItsOwn(_ error: any Error) -> Bool {
    guard let error = error as? PublishError else { return !(error is PostgresError || error is CancellationError) }
    return error.code != .closed
  }

  private func relayReturn() async throws -> Bool {
    var failed: PendingReturn?
    let (isDone, request): (Bool, StoredRequest?)
    do {
      (isDone, request) = try await pool.withTransaction { connection -> (Bool, StoredRequest?) in
        guard let item = try await PendingReturn.next(connection) else { return (false, nil) }
        failed = item
        return (true, try await giveBack(item, connection))
      }
    } catch {
      if let failed, Self.isItsOwn(error) {
        logger.error(
          "poison message not given back",
          metadata: [LogKey.letterID: "\(failed.poisonID)", LogKey.error: "\(error)"])
        try await pool.withConnection { try await failed.markFailed($0) }
      }
      throw error
    }
    // After the commit, so that whoever is answered finds it done. Whoever waits in vain is told that it is requested.
    if let answer = request?.fact {
      try await publisher.publish(answer, exchange: BrokerNames.events, timeout: Self.confirmTime)
    }
    return isDone
  }

  private func giveBack(_ item: PendingReturn, _ connection: PostgresConnection) async throws -> StoredRequest? {
    let metadata: Logger.Metadata = [LogKey.letterID: "\(item.poisonID)", LogKey.queue: "\(item.queue)"]
    do {
      try await publisher.publish(
        item.message, exchange: BrokerNames.returning, routingKey: item.queue, timeout: Self.confirmTime)
    } catch let error as PublishError where error.code == .unroutable {
      logger.warning("poison message has no queue any more", metadata: metadata)
      return try await item.refuse(connection)
    }
    logger.notice("poison message given back", metadata: metadata)
    return try await item.markPublished(connection)
  }
}
