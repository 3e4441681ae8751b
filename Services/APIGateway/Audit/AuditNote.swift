import NIOConcurrencyHelpers

/// What becomes known, while a request is answered, of what the audit keeps. Never secrets, phone numbers or texts.
final class AuditNote: Sendable {
  struct Content: Sendable {
    /// Who asks, as soon as that is known.
    var actor: Principal?
    /// What it is done to, where the path does not name it.
    var subject: String?
    var details: [JSONMember] = []
    /// Nothing is kept: whoever did it did it to what is theirs.
    var isOwn = false
    /// Nothing is kept: it only asks what would be.
    var isTrial = false
  }

  private let box = NIOLockedValueBox(Content())

  var content: Content { box.withLockedValue { $0 } }

  var actor: Principal? {
    get { content.actor }
    set { box.withLockedValue { $0.actor = newValue } }
  }

  var subject: String? {
    get { content.subject }
    set { box.withLockedValue { $0.subject = newValue } }
  }

  func noteOwn() { box.withLockedValue { $0.isOwn = true } }

  func noteTrial() { box.withLockedValue { $0.isTrial = true } }

  func add(_ name: String, _ value: JSONValue) {
    box.withLockedValue { $0.details.append(JSONMember(name: name, value: value)) }
  }
}
