/// What a request asks a provider to send.
struct SMS: Sendable, Hashable {
  var number: String
  var text: String
}

/// How a provider's endpoint is spoken to.
enum Dialect: Sendable {
  /// Form fields `application`, `mrt`, `sender` and `msg_utf8`; XML with `<status>` and `<reason>` in the answers.
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
  /// - Parameter isPlain: For HKT's form a line of text instead of XML, as older gateways answer.
  func acceptance(_ n: Int, isPlain: Bool) -> Answer {
    switch self {
    case .hkt where isPlain: Answer(status: 200, contentType: "text/plain; charset=utf-8", body: "OK \(n)\n")
    case .hkt: Answer(status: 200, xml: "<status>OK</status><id>\(n)</id>")
    case .json: Answer(status: 200, body: #"{"id":"mock-\#(n)","status":"accepted"}"#)
    }
  }

  /// The answer to a message that was not taken.
  func refusal(status: Int, reason: String, isPlain: Bool, retryAfterS: Int? = nil) -> Answer {
    switch self {
    case .hkt where isPlain:
      Answer(
        status: status, contentType: "text/plain; charset=utf-8", body: "ERROR \(reason)\n", retryAfterS: retryAfterS)
    case .hkt:
      Answer(
        status: status, xml: "<status>ERR</status><reason>\(reason.escapedForXML)</reason>", retryAfterS: retryAfterS)
    case .json: Answer(status: status, body: #"{"error":"\#(reason.escapedForJSON)"}"#, retryAfterS: retryAfterS)
    }
  }
}

extension Answer {
  fileprivate init(status: Int, xml: String, retryAfterS: Int? = nil) {
    self.init(
      status: status, contentType: "text/xml; charset=utf-8",
      body: #"<?xml version="1.0" encoding="UTF-8"?>"# + "\n<response>\(xml)</response>\n", retryAfterS: retryAfterS)
  }
}

extension String {
  fileprivate var escapedForXML: String { replacing("&", with: "&amp;").replacing("<", with: "&lt;") }
  fileprivate var escapedForJSON: String { replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") }
}
