import Contracts

/// Open streams by what they are to be woken for, so that an event asks only those that it may concern. Pure.
struct ListenerIndex: Sendable {
  /// What streams of one kind watch.
  private enum Interest: Hashable {
    /// A user's own, of all their messages.
    case user(UserID)
    /// One message, whoever watches it.
    case message(MessageID)
    /// Pauses of a user, by those who watch one of their messages.
    case pauses(of: UserID)
    /// Pauses of any user, by admins who watch one message.
    case allPauses
    /// Everything, by admins.
    case all
  }

  private var views: [UInt64: StreamView] = [:]
  private var members: [Interest: Set<UInt64>] = [:]
  /// Users' streams without a message: what may be anybody's, or is for everybody, is for them.
  private var broad: Set<UInt64> = []

  mutating func add(_ id: UInt64, _ view: StreamView) {
    remove(id)
    views[id] = view
    for interest in Self.interests(of: view) { members[interest, default: []].insert(id) }
    if view.messageID == nil { broad.insert(id) }
  }

  mutating func remove(_ id: UInt64) {
    guard let view = views.removeValue(forKey: id) else { return }
    for interest in Self.interests(of: view) {
      members[interest]?.remove(id)
      if members[interest]?.isEmpty == true { members[interest] = nil }
    }
    broad.remove(id)
  }

  /// The streams that show something of these facts, or miss something in them.
  func concerned(by facts: [LiveFact]) -> Set<UInt64> {
    var found: Set<UInt64> = []
    for fact in facts {
      for event in fact.events where found.count < views.count {
        for id in candidates(event) where !found.contains(id) {
          if views[id]?.concerns(LiveFact(offset: fact.offset, events: [event])) == true { found.insert(id) }
        }
      }
    }
    return found
  }

  private func candidates(_ event: LiveEvent) -> Set<UInt64> {
    var found: Set<UInt64> = event.messageID.flatMap { members[.message($0)] } ?? []
    switch event.audience {
    case .everybody, .unknown: found.formUnion(broad)
    case .admins: found.formUnion(members[.all] ?? [])
    case .user(let user):
      found.formUnion(members[.all] ?? [])
      found.formUnion(members[.user(user)] ?? [])
      if event.messageID == nil {
        found.formUnion(members[.pauses(of: user)] ?? [])
        found.formUnion(members[.allPauses] ?? [])
      }
    }
    return found
  }

  private static func interests(of view: StreamView) -> [Interest] {
    guard let message = view.messageID else { return view.isAdmin ? [.all] : [.user(view.user)] }
    return [.message(message), view.isAdmin ? .allPauses : .pauses(of: view.user)]
  }
}
