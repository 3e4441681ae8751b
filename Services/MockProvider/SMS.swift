/// What a request asks a provider to send.
struct SMS: Sendable, Hashable {
  var number: String
  var text: String
}

/// How a provider's endpoint is spoken to.
enum Dialect: Sendable {
  /// Form fields `application`, `mrt`, `sender` and `msg_utf8`.
  case hkt
  /// A JSON object with `phone` and `text`.
  case json

  /// Reads a request's body.
  func message(in body: [UInt8]) throws(FieldError) -> SMS {
    switch self {
    case .hkt:
      let form = try Form(body)
      for name in ["application", "sender"] where form[name] == nil { throw FieldError(name, "is missing") }
      guard let number = form["mrt"], !number.isEmpty else { throw FieldError("mrt", "is missing") }
      guard let text = form["msg_utf8"] else { throw FieldError("msg_utf8", "is missing") }
      return SMS(number: number, text: text)
    case .json:
      let object = try JSONObject(body)
      guard let number = try object.string("phone"), !number.isEmpty else { throw FieldError("phone", "is missing") }
      guard let text = try object.string("text") else { throw FieldError("text", "is missing") }
      return SMS(number: number, text: text)
    }
  }

  /// The answer to message `n` that was accepted.
  func acceptance(_ n: Int) -> Answer {
    switch self {
    case .hkt: Answer(status: 200, contentType: "text/plain; charset=utf-8", body: "OK \(n)\n")
    case .json: Answer(status: 200, body: #"{"id":"mock-\#(n)","status":"accepted"}"#)
    }
  }

  /// The answer to a message that was not taken.
  func refusal(status: Int, reason: String, retryAfterS: Int? = nil) -> Answer {
    switch self {
    case .hkt:
      Answer(
        status: status, contentType: "text/plain; charset=utf-8", body: "ERROR \(reason)\n", retryAfterS: retryAfterS)
    case .json: Answer(status: status, body: #"{"error":"\#(reason)"}"#, retryAfterS: retryAfterS)
    }
  }
}
