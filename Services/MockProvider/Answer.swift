/// A response to be written.
struct Answer: Sendable, Equatable {
  var status: Int
  var contentType = "application/json"
  var body: String
  var retryAfterS: Int?
  /// Whether the connection is closed in the middle of the body.
  var isCut = false
}

/// What a connection does with a request that has been read whole.
enum Reply: Sendable, Equatable {
  /// Writes the answer after the latency.
  case answer(Answer, afterMs: Double)
  /// Closes without an answer after the latency.
  case close(afterMs: Double)
  /// Resets the connection at once.
  case reset
  /// Leaves the sender waiting.
  case hang
}
