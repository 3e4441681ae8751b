/// A rule by which a provider misbehaves.
struct Fault: Sendable, Equatable {
  /// Which requests the rule is for.
  enum Trigger: Sendable, Equatable {
    /// Those to numbers that end in these digits.
    case suffix(String)
    /// This share of all requests, drawn at random; the shares of several rules add up.
    case percent(Double)
  }

  /// What happens instead of the ordinary answer.
  enum Effect: Sendable, Equatable {
    /// The message is not taken; this status is the answer.
    case status(Int)
    /// The message is not taken; a 200 says so in its body: HKT's `<status>ERR</status>` with this reason, or JSON.
    case error(reason: String)
    /// The message is not taken; the answer is this one.
    case reply(status: Int, contentType: String, body: [UInt8])
    /// The message is not taken; the answer is 429 with `Retry-After`.
    case retryAfter(seconds: Int)
    /// The message is taken and never answered; the connection stays open.
    case timeout
    /// The connection is reset and the message not taken; by percentage that happens before the body is read.
    case closeBeforeRead
    /// The message is taken and the connection closed without an answer.
    case readAndClose
    /// The message is taken; the answer is a 200 whose body nobody can parse.
    case garbage
    /// The message is taken; the answer ends in the middle of its body.
    case cut
  }

  var trigger: Trigger
  var effect: Effect
  /// How often the rule applies; `nil` for always.
  var times: Int?
}

extension Fault.Effect {
  /// The name in requests and listings.
  var name: String {
    switch self {
    case .status: "status"
    case .error: "error"
    case .reply: "reply"
    case .retryAfter: "retry_after"
    case .timeout: "timeout"
    case .closeBeforeRead: "close_before_read"
    case .readAndClose: "read_and_close"
    case .garbage: "garbage"
    case .cut: "cut"
    }
  }

  /// Whether the provider took the message, whatever it told the sender.
  var takesMessage: Bool {
    switch self {
    case .status, .error, .reply, .retryAfter, .closeBeforeRead: false
    case .timeout, .readAndClose, .garbage, .cut: true
    }
  }
}
