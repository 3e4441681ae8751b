/// Where a stream's reading goes on.
struct StreamCursor {
  private let initial: StreamOffset
  private var nextOffset: UInt64?
  /// When the stream was first read from `next`, in seconds since 1970.
  private var firstStart: UInt64?
  /// Moved by hand: what still comes from before the move is not wanted.
  private(set) var isMoved = false

  init(initial: StreamOffset) { self.initial = initial }

  /// Where to begin now.
  ///
  /// Reading from `next` that is interrupted before anything came goes on from the time it began, to the broker's
  /// granularity of a chunk: a little may come that was there before, but nothing is missed.
  mutating func start(nowSeconds: UInt64) -> StreamOffset {
    isMoved = false
    if let nextOffset { return .offset(nextOffset) }
    guard initial == .next else { return initial }
    if let firstStart { return .timestamp(firstStart) }
    firstStart = nowSeconds
    return .next
  }

  /// - Returns: whether the message at this offset is wanted.
  mutating func accept(_ offset: UInt64) -> Bool {
    guard !isMoved, offset >= nextOffset ?? 0 else { return false }
    nextOffset = offset + 1
    return true
  }

  /// Goes on from this offset after the next start.
  mutating func move(to offset: UInt64) {
    nextOffset = offset
    isMoved = true
  }

  /// This message was taken back before anybody saw it.
  mutating func takeBack(_ offset: UInt64) { nextOffset = min(nextOffset ?? offset, offset) }
}
