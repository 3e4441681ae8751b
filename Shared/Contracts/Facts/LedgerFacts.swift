/// A cut through the scheduler's facts: what it had said up to here is what `ledger.counted` of the same mark counts.
///
/// Whoever folds the log counts his own tables when he has folded everything before this fact.
public struct LedgerMarked: Payload {
  public static let type = MessageType.ledgerMarked

  public var mark: EnvelopeID
  public var markedAt: Timestamp

  public init(mark: EnvelopeID, markedAt: Timestamp) {
    self.mark = mark
    self.markedAt = markedAt
  }

  enum CodingKeys: String, CodingKey {
    case mark
    case markedAt = "marked_at"
  }
}

/// The scheduler's own count of what it has queued and not finished, as of a mark. It follows when counting is done.
public struct LedgerCounted: Payload {
  public static let type = MessageType.ledgerCounted

  /// The unfinished messages of one bucket.
  public struct Bucket: Codable, Sendable, Hashable {
    public var bucket: Int
    public var messages: Int
    /// Their units by state.
    public var counts: UnitCounts

    public init(bucket: Int, messages: Int, counts: UnitCounts) {
      self.bucket = bucket
      self.messages = messages
      self.counts = counts
    }
  }

  public var mark: EnvelopeID
  /// Those with a message, in order.
  public var buckets: [Bucket]

  public init(mark: EnvelopeID, buckets: [Bucket]) {
    self.mark = mark
    self.buckets = buckets
  }
}

/// Messages are counted in buckets by the last ten bits of their ids, so that a difference names few of them.
public enum LedgerBucket {
  public static let count = 1_024

  /// An expression over a column of type `uuid`, the same in every service's SQL.
  public static func sql(_ column: String) -> String {
    "((get_byte(uuid_send(\(column)), 14) & 3) * 256 + get_byte(uuid_send(\(column)), 15))"
  }
}
