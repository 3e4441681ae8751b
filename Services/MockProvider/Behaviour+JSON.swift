import FoundationEssentials

extension Behaviour {
  /// Reads a behaviour; what is not given is as in `standard`.
  init(_ object: JSONObject, standard: Behaviour) throws(FieldError) {
    try object.rejectUnknown(besides: [
      "provider", "rate", "window_s", "refuses", "violation_status", "latency_ms", "jitter_ms", "replies", "faults",
    ])
    self = standard
    if let value = try object.integer("rate", in: 0...1_000_000) { rate = value }
    if let value = try object.number("window_s", in: 0.001...86_400) { windowS = value }
    if let value = try object.bool("refuses") { refuses = value }
    if let value = try object.integer("violation_status", in: 200...599) { violationStatus = value }
    if let value = try object.number("latency_ms", in: 0...600_000) { latencyMs = value }
    if let value = try object.number("jitter_ms", in: 0...600_000) { jitterMs = value }
    switch try object.string("replies") {
    case nil: break
    case "xml": answersPlainly = false
    case "plain": answersPlainly = true
    default: throw FieldError("replies", "must be xml or plain")
    }
    faults = []
    for fault in try object.objects("faults") ?? [] { faults.append(try Fault(fault)) }
    if faults.reduce(0, { $0 + $1.trigger.share }) > 100 {
      throw FieldError("faults", "have percentages of more than 100 together")
    }
  }
}

extension Fault.Trigger {
  fileprivate var share: Double {
    switch self {
    case .suffix: 0
    case .percent(let share): share
    }
  }
}

extension Fault {
  /// Reads one rule.
  init(_ object: JSONObject) throws(FieldError) {
    try object.rejectUnknown(besides: [
      "suffix", "percent", "kind", "status", "retry_after_s", "times", "reason", "content_type", "body", "body_base64",
    ])
    switch (try object.string("suffix"), try object.number("percent", in: 0...100)) {
    case (let digits?, nil):
      guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
        throw FieldError(object.name("suffix"), "must be digits")
      }
      trigger = .suffix(digits)
    case (nil, let share?): trigger = .percent(share)
    case (nil, nil): throw FieldError(object.name("suffix"), "is missing, and so is percent")
    case (_?, _?): throw FieldError(object.name("percent"), "cannot be given together with suffix")
    }
    let status = try object.integer("status", in: 200...599)
    let retryAfter = try object.integer("retry_after_s", in: 0...86_400)
    switch try object.string("kind") {
    case "status":
      guard let status else { throw FieldError(object.name("status"), "is missing") }
      effect = .status(status)
    case "retry_after": effect = .retryAfter(seconds: retryAfter ?? 1)
    case "timeout": effect = .timeout
    case "close_before_read": effect = .closeBeforeRead
    case "read_and_close": effect = .readAndClose
    case "garbage": effect = .garbage
    case "cut": effect = .cut
    case "error": effect = .error(reason: try object.string("reason") ?? "rejected")
    case "reply":
      let bytes: [UInt8]
      if let text = try object.string("body_base64") {
        guard let data = Data(base64Encoded: text) else {
          throw FieldError(object.name("body_base64"), "must be base64")
        }
        bytes = Array(data)
      } else {
        bytes = Array((try object.string("body") ?? "").utf8)
      }
      effect = .reply(
        status: status ?? 200, contentType: try object.string("content_type") ?? "text/plain", body: bytes)
    case nil: throw FieldError(object.name("kind"), "is missing")
    default:
      throw FieldError(
        object.name("kind"),
        "must be status, error, reply, retry_after, timeout, close_before_read, read_and_close, garbage or cut")
    }
    if status != nil, !["status", "reply"].contains(effect.name) {
      throw FieldError(object.name("status"), "is only for the kinds status and reply")
    }
    for (name, kind) in [("reason", "error"), ("content_type", "reply"), ("body", "reply"), ("body_base64", "reply")]
    where effect.name != kind {
      if try object.string(name) != nil { throw FieldError(object.name(name), "is only for kind \(kind)") }
    }
    if retryAfter != nil, effect.name != "retry_after" {
      throw FieldError(object.name("retry_after_s"), "is only for kind retry_after")
    }
    times = try object.integer("times", in: 1...1_000_000_000)
  }
}
