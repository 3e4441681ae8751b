import Contracts

/// Who may see an event. Admins see every one.
enum Audience: Sendable, Hashable {
  case everybody
  case user(UserID)
  case admins
  /// The owner of its message could not be found out.
  case unknown
}

/// One thing that happened, as a browser is told.
struct LiveEvent: Sendable, Equatable {
  var name: String
  var audience: Audience
  /// The message it is about, if it is about one.
  var messageID: MessageID?
  /// One line of JSON.
  var data: [UInt8]
}

/// What one fact of the log means to those who watch.
struct LiveFact: Sendable, Equatable {
  /// Its place in the log.
  var offset: UInt64
  var events: [LiveEvent]

  /// What it takes in memory, roughly.
  var size: Int { events.reduce(64) { $0 + $1.data.count + 96 } }
}
