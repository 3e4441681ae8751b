import Contracts

/// What one stream shows of the facts, and how it is written (Server-Sent Events, WHATWG HTML § 9.2). Pure.
struct StreamView: Sendable {
  let user: UserID
  let isAdmin: Bool
  /// Only events about this message; all when `nil`.
  let messageID: MessageID?
  /// Messages with events that may have been the user's and could not be shown, of many the first ones.
  private(set) var missed: Set<MessageID> = []
  private var hasMissedMore = false

  private static let missedLimit = 256

  init(user: UserID, isAdmin: Bool, messageID: MessageID? = nil) {
    self.user = user
    self.isAdmin = isAdmin
    self.messageID = messageID
  }

  /// Whether there is anything in the fact for this stream.
  func concerns(_ fact: LiveFact) -> Bool { fact.events.contains { shows($0) || hides($0) } }

  /// A user's pause is one of each of their messages.
  private func isSelected(_ event: LiveEvent) -> Bool {
    guard messageID != nil, event.messageID != messageID else { return true }
    if case .user = event.audience { return event.messageID == nil }
    return false
  }

  private func shows(_ event: LiveEvent) -> Bool {
    guard isSelected(event) else { return false }
    return switch event.audience {
    case .everybody: true
    case .user(let owner): isAdmin || owner == user
    case .admins, .unknown: isAdmin
    }
  }

  /// It may be the user's, and nobody knows.
  private func hides(_ event: LiveEvent) -> Bool {
    !isAdmin && event.audience == .unknown && isSelected(event)
  }

  /// Something that may have been the user's could not be shown.
  var hasMissed: Bool { !missed.isEmpty }

  /// - Parameter owners: Of those messages, as far as they are known by now.
  func mayHaveMissed(knowing owners: [MessageID: UserID]) -> Bool {
    hasMissedMore || missed.contains { owners[$0].map { $0 == user } ?? true }
  }

  /// What could not be shown was not the user's, or they load it anew.
  mutating func missNothing() { (missed, hasMissedMore) = ([], false) }

  private mutating func noteMissed(_ fact: LiveFact) {
    for case let id? in fact.events.lazy.filter(hides).map(\.messageID) where !missed.contains(id) {
      if missed.count < Self.missedLimit { missed.insert(id) } else { hasMissedMore = true }
    }
  }

  /// Writes what the stream shows of a fact. The last event alone has the id, so that a client which resumes has seen
  /// either all of a fact or comes back for all of it. After something was missed none has one, until a reset.
  /// - Returns: How many events.
  mutating func write(_ fact: LiveFact, to bytes: inout [UInt8]) -> Int {
    noteMissed(fact)
    let shown = fact.events.filter(shows)
    for (place, event) in shown.enumerated() {
      Self.write(event.name, event.data, id: place == shown.count - 1 && !hasMissed ? fact.offset : nil, to: &bytes)
    }
    return shown.count
  }

  /// Tells the client to load everything anew, and to go on from a place.
  mutating func writeReset(_ reason: ResetReason, next: UInt64?, to bytes: inout [UInt8]) {
    missNothing()
    let data = JSONWriter.object { json in json.member("reason", reason.rawValue) }
    Self.write("reset", data, id: next.flatMap { $0 > 0 ? $0 - 1 : nil }, to: &bytes)
  }

  /// How long a client waits before it comes back, and where it stands.
  func writePreamble(next: UInt64?, to bytes: inout [UInt8]) {
    bytes += Array("retry: 3000\n".utf8)
    writeKeepAlive(next: next, to: &bytes)
  }

  /// A comment, with the place that has been reached: an id without data is remembered and shown to nobody.
  func writeKeepAlive(next: UInt64?, to bytes: inout [UInt8]) {
    bytes += Array(":\n".utf8)
    if let next, next > 0, !hasMissed { bytes += Array("id: \(next - 1)\n".utf8) }
    bytes.append(UInt8(ascii: "\n"))
  }

  private static func write(_ name: String, _ data: [UInt8], id: UInt64?, to bytes: inout [UInt8]) {
    bytes += Array("event: \(name)\ndata: ".utf8)
    bytes += data
    if let id { bytes += Array("\nid: \(id)".utf8) }
    bytes += Array("\n\n".utf8)
  }
}

/// Why a client has to load everything anew.
enum ResetReason: String, Sendable {
  /// The log no longer reaches back that far, or never did.
  case tooOld = "too_old"
  /// There is more to catch up with than it is worth.
  case tooMuch = "too_much"
  /// Too many others are catching up.
  case busy
  /// The log could not be read in time.
  case unavailable
  /// It is not known whose messages some events were about.
  case incomplete
}
