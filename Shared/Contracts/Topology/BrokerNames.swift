/// The names of the broker's exchanges and queues, described nowhere else.
public enum BrokerNames {
  public static let virtualHost = "sluice"

  /// Facts: what has happened. Topic; the routing key is the message type.
  public static let events = "sluice.events"
  /// Accepted requests, for the scheduler's queue and nothing else: a mandatory publish that is confirmed is in that queue.
  public static let submit = "sluice.submissions"
  /// Requests to one service. Topic.
  public static let commands = "sluice.commands"
  /// By which a publisher finds out whether the broker confirms anything; everyone may write.
  public static let probe = "sluice.probe"
  /// Poison and unroutable messages; everyone may write.
  public static let dead = "sluice.dead"
  /// Back to one queue, whose name is the key; only dead-letter may write.
  public static let returning = "sluice.return"

  public static let submissions = "scheduler.submissions"
  public static let schedulerCommands = "scheduler.commands"
  public static let outcomes = "scheduler.outcomes"
  public static let deadLetterUnits = "dead-letter.units"
  public static let deadLetterCommands = "dead-letter.commands"
  public static let poison = "dead-letter.poison"
  /// The stream of all facts.
  public static let log = "events.log"

  /// The queue of `probe`; keeps one message, and nobody reads it.
  public static let probes = "probes"

  /// The queue, and the routing key, of one provider's send commands.
  public static func send(_ provider: String) -> String { "send.\(provider)" }
}

/// Headers that a message on `sluice.dead` carries beside its original body and headers.
public enum PoisonHeader {
  /// The queue it was taken from.
  public static let originQueue = "x-origin-queue"
  public static let originExchange = "x-origin-exchange"
  public static let originRoutingKey = "x-origin-routing-key"
  /// What was wrong; names a field, never a value.
  public static let error = "x-error"
  /// Of a message that was given back to its queue: the letter that it lay in.
  public static let letterID = "x-poison-id"
  /// … and how often it had been poison by then.
  public static let times = "x-poison-times"
}
