import TestSupport
import Testing

/// Which letters a list shows, or a command is about.
struct LetterQuery: Sendable {
  var fields: [String: String]

  init(_ fields: [String: String]) { self.fields = fields }

  static func user(_ user: StackUser, _ more: [String: String] = [:]) -> LetterQuery {
    LetterQuery(more.merging(["user_id": user.id.description]) { $1 })
  }

  static func message(_ sent: Story.Sent, _ more: [String: String] = [:]) -> LetterQuery {
    LetterQuery(more.merging(["message_id": sent.id.description]) { $1 })
  }

  /// Only those of unconfirmed SMS.
  fileprivate var unconfirmed: LetterQuery {
    LetterQuery(fields.merging(["error_type": "unconfirmed"]) { $1 })
  }

  fileprivate var parameters: String { fields.map { "\($0.key)=\($0.value)" }.joined(separator: "&") }
  /// As the bodies of commands have it.
  var filter: JSONValue { .object(fields.mapValues { .string($0) }) }
}

extension Stack {
  static let letters = "/api/admin/dead-letters"

  /// All letters that fit, newest first, as an admin sees them.
  func letters(_ query: LetterQuery) async throws -> [JSONValue] {
    var found: [JSONValue] = []
    var cursor = ""
    while true {
      let answer = try await gateway.get("\(Self.letters)?\(query.parameters)&limit=200\(cursor)")
      try #require(answer.status == 200, "\(answer.text)")
      found += answer.json.data.dead_letters.array
      guard let next = answer.json.data.next_cursor.string else { return found }
      cursor = "&cursor=\(next)"
    }
  }

  /// How many pending letters fit, and when their replay would be through: changes nothing.
  func trial(_ query: LetterQuery, limit: Int? = nil, by provider: String? = nil) async throws -> JSONValue {
    var body: [String: JSONValue] = ["filter": query.filter, "dry_run": true]
    if let limit { body["limit"] = .number(Double(limit)) }
    if let provider { body["provider"] = .string(provider) }
    return try await letterCommand("replay", .object(body))
  }

  /// Asks for something to be done with letters.
  /// - Returns: What was done.
  @discardableResult
  func letterCommand(_ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
    let answer = try await gateway.post("\(Self.letters)/\(path)", body)
    try #require(answer.status == 200, "\(answer.text)")
    return answer.json.data
  }

  /// Waits until so many pending letters fit.
  func pendingLetters(_ count: Int, _ query: LetterQuery, within limit: Duration = .seconds(30)) async throws {
    var seen = -1
    do {
      try await eventually(within: limit) {
        // A replay takes those of unconfirmed SMS only when that is said.
        seen = try await trial(query)["count"].int ?? -1
        if query.fields["error_type"] == nil {
          seen += try await trial(query.unconfirmed)["count"].int ?? -1
        }
        return seen == count
      }
    } catch is NeverTrue {
      throw NeverTrue(description: "not within \(limit): \(count) pending letters; there are \(seen)")
    }
  }

  /// The replay that was asked for with this reason and took letters, once it has ended.
  func endedReplay(because reason: String, within limit: Duration) async throws -> JSONValue {
    var replay = JSONValue.null
    do {
      try await eventually(within: limit, "the replay has ended") {
        let all = try await gateway.get("\(Self.letters)/replays?limit=200").json.data.replays.array
        let mine = all.filter { $0.reason.string == reason && ($0["count"].int ?? 0) > 0 }
        try #require(mine.count <= 1, "one set of letters went: \(mine)")
        replay = mine.first ?? .null
        return replay.ended_at.string != nil
      }
    } catch let error as NeverTrue {
      throw NeverTrue(description: "\(error): \(replay)")
    }
    return replay
  }
}
