import DequeModule

/// Which deliveries of a channel are not acknowledged, and how to say it with few frames.
struct AckLedger {
  struct Frame: Equatable {
    var tag: UInt64
    var multiple: Bool
  }

  private enum State {
    case delivered
    case acknowledged
    case told
  }

  /// From the lowest tag that the broker waits for.
  private var ring: Deque<State> = []
  private var firstTag: UInt64 = 1
  /// Acknowledged and not told.
  private var fresh: [UInt64] = []
  /// Delivered and not acknowledged.
  private(set) var unacknowledged = 0

  var hasNews: Bool { !fresh.isEmpty }

  /// Notes the next delivery; tags come in order, without gaps.
  mutating func deliver(_ tag: UInt64) throws(AMQPError) {
    guard tag == firstTag + UInt64(ring.count) else {
      throw AMQPError(.protocolViolation, "delivery tag \(tag) is out of order")
    }
    ring.append(.delivered)
    unacknowledged += 1
  }

  /// Acknowledges one delivery, or all up to it. A second time does nothing: the broker would close the channel.
  mutating func acknowledge(_ tag: UInt64, multiple: Bool) {
    guard tag >= firstTag, tag < firstTag + UInt64(ring.count) else { return }
    let last = Int(tag - firstTag)
    for index in (multiple ? 0 : last)...last where ring[index] == .delivered {
      ring[index] = .acknowledged
      unacknowledged -= 1
      fresh.append(firstTag + UInt64(index))
    }
  }

  /// What to tell the broker now.
  mutating func takeFrames() -> [Frame] {
    guard !fresh.isEmpty else { return [] }
    defer { fresh.removeAll(keepingCapacity: true) }
    var frames: [Frame] = []
    var lastOfPrefix: UInt64?
    var countOfPrefix = 0
    while let first = ring.first, first != .delivered {
      if first == .acknowledged {
        lastOfPrefix = firstTag
        countOfPrefix += 1
      }
      ring.removeFirst()
      firstTag += 1
    }
    if let lastOfPrefix { frames.append(Frame(tag: lastOfPrefix, multiple: countOfPrefix > 1)) }
    for tag in fresh where tag >= firstTag {
      ring[Int(tag - firstTag)] = .told
      frames.append(Frame(tag: tag, multiple: false))
    }
    return frames
  }
}
