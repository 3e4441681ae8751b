import Contracts

/// What was foretold of one load's messages, second by second, and what came.
struct EtaSamples {
  /// One answer about one message that waited.
  struct Sample {
    var message: String
    var at: Timestamp
    var position: Int?
    var complete: Timestamp?
    var low: Timestamp?
    var high: Timestamp?
    /// Whether one of its SMS had been given to a sender: then the position is another SMS's.
    var hasBegun: Bool
  }

  var samples: [Sample] = []
  /// When each message was really completed.
  var completions: [String: Timestamp] = [:]
  /// Arrivals of many, pauses, changes of a rate, what falls due, and the load's beginning and end.
  var disturbances: [Timestamp] = []

  /// How good the answers were.
  struct Score {
    var count = 0
    /// Of those that waited, how many got no time.
    var unknown = 0
    var p95 = 0.0
    var inLimit = 0.0
    var inside = 0.0
    /// How many spans are wider than 2 s and 30 % of the wait.
    var wide = 0.0
    var rises = 0
  }

  /// - Parameters:
  ///   - seconds, share: An error within the greater of the two, seconds or a share of the wait, is within the limit.
  func score(seconds: Double, share: Double) -> Score {
    var score = Score()
    var errors: [Double] = []
    var (within, inside, wide) = (0, 0, 0)
    for sample in samples where counts(sample.at) {
      guard let completion = completions[sample.message] else { continue }
      guard let complete = sample.complete, let low = sample.low, let high = sample.high else {
        score.unknown += 1
        continue
      }
      let wait = max(0, (completion - sample.at) / .seconds(1))
      let error = abs((complete - completion) / .seconds(1))
      errors.append(error)
      if error <= max(seconds, wait * share) { within += 1 }
      if low <= completion, completion <= high { inside += 1 }
      if (high - low) / .seconds(1) > 2.001 + 0.3 * wait { wide += 1 }
    }
    errors.sort()
    score.count = errors.count
    guard !errors.isEmpty else { return score }
    score.p95 = errors[min(errors.count - 1, errors.count * 95 / 100)]
    score.inLimit = Double(within) / Double(errors.count)
    score.inside = Double(inside) / Double(errors.count)
    score.wide = Double(wide) / Double(errors.count)
    score.rises = rises
    return score
  }

  /// Samples are left out when things changed after them, and until 15 s after that.
  private func counts(_ time: Timestamp) -> Bool {
    guard let last = disturbances.max() else { return true }
    return time > last + .seconds(15)
  }

  /// How often a message that had not begun was told a greater position than before.
  private var rises: Int {
    var last: [String: Int] = [:]
    var rises = 0
    for sample in samples where !sample.hasBegun && counts(sample.at) {
      guard let position = sample.position else { continue }
      if let before = last[sample.message], position > before { rises += 1 }
      last[sample.message] = position
    }
    return rises
  }
}
