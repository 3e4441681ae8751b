/// A response to be written.
struct Answer: Sendable, Equatable {
  var status: Int
  var contentType: String
  var body: [UInt8]
  var retryAfterS: Int?
  /// Whether the connection is closed in the middle of the body.
  var isCut = false

  init(status: Int, contentType: String = "application/json", bytes: [UInt8], retryAfterS: Int? = nil) {
    self.status = status
    self.contentType = contentType
    body = bytes
    self.retryAfterS = retryAfterS
  }

  init(status: Int, contentType: String = "application/json", body: String, retryAfterS: Int? = nil) {
    self.init(status: status, contentType: contentType, bytes: Array(body.utf8), retryAfterS: retryAfterS)
  }
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
