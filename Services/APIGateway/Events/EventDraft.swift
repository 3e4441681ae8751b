import Contracts

/// An event before it is known whose message it is about.
struct EventDraft: Sendable, Equatable {
  enum Subject: Sendable, Hashable {
    case everybody
    case admins
    case user(UserID)
    case message(MessageID, of: UserID?)
  }

  var name: String
  var subject: Subject
  var data: [UInt8]

  init(_ name: String, _ subject: Subject, _ data: (inout JSONWriter) -> Void) {
    self.name = name
    self.subject = subject
    self.data = JSONWriter.object(data)
  }

  /// The message whose owner has to be found.
  var ownerless: MessageID? {
    if case .message(let id, of: nil) = subject { id } else { nil }
  }

  /// The event itself.
  /// - Parameter owners: Of the messages that have to be found; one that is not in it is unknown.
  func event(_ owners: [MessageID: UserID]) -> LiveEvent {
    switch subject {
    case .everybody: LiveEvent(name: name, audience: .everybody, messageID: nil, data: data)
    case .admins: LiveEvent(name: name, audience: .admins, messageID: nil, data: data)
    case .user(let user): LiveEvent(name: name, audience: .user(user), messageID: nil, data: data)
    case .message(let id, let user):
      LiveEvent(
        name: name, audience: (user ?? owners[id]).map(Audience.user) ?? .unknown, messageID: id, data: data)
    }
  }
}
