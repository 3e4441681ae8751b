import Contracts
import Hummingbird

extension CommandAnswered {
  /// What a command that was refused is to its caller; `nil` for one that was carried out.
  var refusal: APIError? {
    guard result == .refused else { return nil }
    let reason = reason ?? "refused"
    switch reason {
    case "not_found": return APIError(.notFound, "There is no such thing any more")
    case "unknown_provider": return APIError(.notFound, "No such provider")
    case "final": return .conflict(reason, "The message is final already")
    case "nothing_to_retry": return .conflict(reason, "Nothing of the message has failed")
    case "nothing_to_cancel": return .conflict(reason, "Nothing of it waits any more")
    case "no_queue": return .conflict(reason, "Nobody knows which queue it came from")
    case "came_again": return .conflict(reason, "It came once more meanwhile, and waits again")
    case "timeout": return .conflict(reason, "It takes too long: choose fewer")
    case "not_supported": return .conflict(reason, "This is not supported yet")
    case _ where reason.hasPrefix("invalid_"):
      return .invalidField(String(reason.dropFirst("invalid_".count)), "out_of_range", "The value is out of range")
    default: return .conflict(reason, "The state forbids this")
    }
  }
}

extension APIError {
  /// A state forbids what was asked for.
  static func conflict(_ reason: String, _ message: String) -> APIError {
    APIError(.conflict, message, details: [Detail("status", reason, message)])
  }
}

extension Response {
  /// A command that is on its way and not answered yet: it is carried out later.
  static var requested: Response {
    json(
      status: .accepted,
      JSONWriter.object { json in
        json.member("success", true)
        json.member("status", "requested")
        json.member("message", "Not answered yet; it will be carried out")
      })
  }

  /// The answer to a command: an error when it was refused, `requested` when nobody has answered.
  static func command(
    _ answer: CommandAnswered?, status: HTTPResponse.Status = .ok,
    _ data: (inout JSONWriter, CommandAnswered) -> Void
  ) throws -> Response {
    guard let answer else { return .requested }
    if let refusal = answer.refusal { throw refusal }
    return success(status: status) { json in data(&json, answer) }
  }
}

extension JSONWriter {
  /// What became of the SMS that a command was about; the four sum up to all of them.
  mutating func members(_ counts: UnitCounts?) {
    guard let counts else { return }
    member("sent", counts.sent)
    member("in_flight", counts.sending)
    member("cancelled", counts.cancelled)
    member("other", counts.total - counts.sent - counts.sending - counts.cancelled)
  }
}
