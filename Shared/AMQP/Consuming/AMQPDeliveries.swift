/// The deliveries of a consumer, in the order in which they came, until it is shut down.
///
/// For one reader at a time. What is fetched ahead is bounded by the prefetch of the subscriptions.
public struct AMQPDeliveries: AsyncSequence, Sendable {
  public typealias Element = AMQPDelivery

  let mailbox: ConsumerMailbox

  public struct AsyncIterator: AsyncIteratorProtocol {
    let mailbox: ConsumerMailbox

    public func next() async -> AMQPDelivery? { await mailbox.take(upTo: 1).first }
  }

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(mailbox: mailbox) }

  /// Waits for a delivery and returns it with those that are there already.
  /// - Returns: at least one delivery and at most `count`; none when the consumer is shut down or the task cancelled.
  public func batch(upTo count: Int) async -> [AMQPDelivery] { await mailbox.take(upTo: count) }
}
