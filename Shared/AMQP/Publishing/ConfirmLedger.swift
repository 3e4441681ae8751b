import DequeModule

/// What has been published on a channel and not confirmed: the n-th publish has tag n.
struct ConfirmLedger {
  enum Outcome: Equatable {
    case confirmed
    /// Returned, then acknowledged.
    case unroutable(String)
    /// Negatively acknowledged.
    case refused
  }

  struct Settlement: Equatable {
    var id: UInt64
    var outcome: Outcome
  }

  /// Where a message went: what a returned one is known by.
  struct Address: Equatable {
    var messageID: String?
    var exchange: String
    var routingKey: String
  }

  private struct Entry {
    var id: UInt64
    var bytes: Int
    var address: Address
    var publishedAt: ContinuousClock.Instant
    var returned: String?
    var isSettled = false
  }

  /// From the lowest unsettled tag on.
  private var ring: Deque<Entry> = []
  private var firstTag: UInt64 = 1
  /// Published and not settled.
  private(set) var count = 0
  private(set) var bytes = 0

  /// When the oldest unsettled message was published.
  var oldest: ContinuousClock.Instant? { ring.first?.publishedAt }

  /// Notes the next publish.
  mutating func append(id: UInt64, bytes: Int, address: Address, at now: ContinuousClock.Instant = .now) {
    ring.append(Entry(id: id, bytes: bytes, address: address, publishedAt: now))
    count += 1
    self.bytes += bytes
  }

  /// Marks the oldest unreturned publish with this address. Its acknowledgement follows.
  ///
  /// Messages without an id that share exchange and key are told apart by their order only.
  mutating func markReturned(_ address: Address, reason: String) {
    guard
      let index = ring.firstIndex(where: { !$0.isSettled && $0.returned == nil && $0.address == address })
    else { return }
    ring[index].returned = reason
  }

  /// Settles one tag, or all up to it (0: all), and adds what became of them to `settled` in order of publishing.
  ///
  /// Tags that are settled already are passed over.
  mutating func settle(
    tag: UInt64, multiple: Bool, isAck: Bool, into settled: inout [Settlement]
  ) throws(AMQPError) {
    let nextTag = firstTag + UInt64(ring.count)
    guard tag < nextTag, tag > 0 || multiple else {
      throw AMQPError(.protocolViolation, "a confirmation of tag \(tag), which was never published")
    }
    guard tag == 0 || tag >= firstTag else { return }
    let last = tag == 0 ? ring.count - 1 : Int(tag - firstTag)
    for index in (multiple ? 0 : last)..<(last + 1) where !ring[index].isSettled {
      let entry = ring[index]
      ring[index].isSettled = true
      count -= 1
      bytes -= entry.bytes
      let outcome: Outcome = isAck ? entry.returned.map(Outcome.unroutable) ?? .confirmed : .refused
      settled.append(Settlement(id: entry.id, outcome: outcome))
    }
    while let first = ring.first, first.isSettled {
      ring.removeFirst()
      firstTag += 1
    }
  }

  /// Starts over for a new channel.
  /// - Returns: what was outstanding, in order of publishing. Its fate is unknown.
  mutating func reset() -> [UInt64] {
    let outstanding = ring.filter { !$0.isSettled }.map(\.id)
    self = ConfirmLedger()
    return outstanding
  }
}
