import Contracts

/// What the database knows of a key.
struct KeyRecord: Sendable, Equatable {
  /// This request has just claimed it, and has to publish.
  var isClaimed: Bool
  var bodyHash: [UInt8]
  /// When the first request with the key was taken; its times count from then.
  var acceptedAt: Timestamp
  /// The first answer, sealed, and its status; `nil` while there is none.
  var answer: Answer?
  /// Until the claim may be taken over.
  var secondsLeft: Double

  struct Answer: Sendable, Equatable {
    var status: Int
    var bytes: [UInt8]
  }
}

/// What a request with a key is to do.
enum KeyClaim: Sendable, Equatable {
  /// Publish, as of this time.
  case publish(acceptedAt: Timestamp)
  /// Answer as the first time.
  case replay(KeyRecord.Answer)
  /// Another request with the key is at it.
  case wait(seconds: Int)
  /// The key belongs to another body.
  case refuse

  init(_ record: KeyRecord, bodyHash: [UInt8]) {
    if record.bodyHash != bodyHash {
      self = .refuse
    } else if let answer = record.answer {
      self = .replay(answer)
    } else if record.isClaimed {
      self = .publish(acceptedAt: record.acceptedAt)
    } else {
      self = .wait(seconds: Int(min(max(1, record.secondsLeft.rounded(.up)), 5)))
    }
  }
}
