/// How much of `events.log` the broker keeps: whatever is less of a time and a size.
public struct LogSize: Sendable, Hashable {
  /// About what the facts of one SMS take, with room to spare: request, place, dispatch and end with the beginning of the
  /// provider's reply.
  static let bytesPerSMS = 3_000
  /// What is kept at least, however slow the providers are.
  static let leastBytes = 20_000_000_000

  /// A projector that was away for longer lacks facts for good.
  public var days: Int
  public var bytes: Int

  public init(days: Int = 7, bytes: Int = 20_000_000_000) {
    self.days = days
    self.bytes = bytes
  }

  /// Room for so many days at full use.
  /// - Parameter rate: SMS a second of all providers together.
  public static func forRate(_ rate: Double, days: Int) -> LogSize {
    let bytes = rate * Double(days) * 86_400 * Double(bytesPerSMS)
    return LogSize(days: days, bytes: max(leastBytes, bytes < 1e15 ? Int(bytes) : 1_000_000_000_000_000))
  }
}
