import ServiceKit

/// Hong Kong Telecom's answer, as public client code reads it: `<status>OK</status>` for an accepted SMS, else
/// `<reason>…</reason>`. The format itself is not published.
enum HKTReply {
  case accepted
  case rejected(reason: String?)
  /// Neither a status nor a reason, such as an empty body.
  case notUnderstood

  init(_ document: ReplyDocument) {
    let statuses = document.texts(at: Self.status).filter { !$0.isEmpty }
    if let refused = statuses.first(where: { $0.uppercased() != "OK" }) {
      self = .rejected(reason: Self.reason(in: document) ?? refused)
    } else if !statuses.isEmpty {
      self = .accepted
    } else if let reason = Self.reason(in: document) {
      self = .rejected(reason: reason)
    } else {
      self = .notUnderstood
    }
  }

  /// The reason that an answer names, whatever its status.
  static func reason(in document: ReplyDocument) -> String? {
    ReplyDocument.reason(document.texts(at: reason).first { !$0.isEmpty })
  }

  private static let status = ReplyPlace.xml(ReplyPath(components: ["status"]))
  private static let reason = ReplyPlace.xml(ReplyPath(components: ["reason"]))
}
