/// A queue to consume from.
public struct AMQPSubscription: Sendable {
  public var queue: String
  /// How many deliveries may be unacknowledged at a time; at least 1.
  public var prefetch: UInt16
  /// Where to begin in a stream the first time; nil for other queues.
  public var streamOffset: StreamOffset?
  /// A stream that is silent for longer is read from another host, ever more rarely while it stays silent; nil for one
  /// that may be silent.
  public var silence: Duration?

  public init(queue: String, prefetch: UInt16, streamOffset: StreamOffset? = nil, silence: Duration? = nil) {
    self.queue = queue
    self.prefetch = max(1, prefetch)
    self.streamOffset = streamOffset
    self.silence = silence
  }
}

/// A place in a stream.
public enum StreamOffset: Sendable, Hashable {
  case first
  /// The last written chunk: a few messages back from the end.
  case last
  /// What is written from now on.
  case next
  case offset(UInt64)
  /// Seconds since 1970.
  case timestamp(UInt64)
  /// Back from now, as the broker writes it: `5m`, `1h`, `7D`.
  case interval(String)

  var argument: AMQPValue {
    switch self {
    case .first: .string("first")
    case .last: .string("last")
    case .next: .string("next")
    case .offset(let offset): .int(Int64(clamping: offset))
    case .timestamp(let seconds): .timestamp(seconds)
    case .interval(let interval): .string(interval)
    }
  }
}
