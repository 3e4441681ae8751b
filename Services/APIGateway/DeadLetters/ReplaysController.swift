import Contracts
import Hummingbird

/// Shows replays, and takes back what of one has not gone out. For admins.
struct ReplaysController: Sendable {
  let authenticator: Authenticator
  let reader: BodyReader
  let commands: LetterCommands

  private var reads: DeadLetterReads { commands.reads }

  var routes: [Route] {
    [
      .admin(.get, "/api/admin/dead-letters/replays", authenticator) { request, _ in try await list(request) },
      .admin(.get, "/api/admin/dead-letters/replays/{id}", authenticator) { request, context in
        _ = try Query(request, allowing: [])
        guard let replay = try await reads.withResults([try await replay(context)]).first else { throw Self.none }
        return .success { json in replay.write(&json) }
      },
      .admin(.post, "/api/admin/dead-letters/replays/{id}/cancel", authenticator, audit: .replayCancel) {
        try await cancel($0, $1, $2)
      },
    ]
  }

  private func list(_ request: Request) async throws -> Response {
    let query = try Query(request, allowing: ["limit", "cursor"])
    let limit = try query.int("limit", in: 1...200, default: 50)
    let found = try await reads.replays(after: try PageCursor.given(query), limit: limit + 1)
    let replays = try await reads.withResults(found.prefix(limit))
    return .success { json in
      json.array("replays", replays) { json, replay in json.element { json in replay.write(&json) } }
      json.member("next_cursor", found.count > limit ? replays.last?.cursor.text : nil)
    }
  }

  private func cancel(_ request: Request, _ context: GatewayContext, _ admin: Principal) async throws -> Response {
    _ = try Query(request, allowing: [])
    let draft = try LetterActionDraft.decode(try await reader.readOptional(request, context), .abandon, now: .now()) {
      _ in
      false
    }
    let replay = try await replay(context)
    if let cancellation = replay.cancellation { return Self.already(replay, cancellation) }
    if replay.endedAt != nil { throw try await nothingLeft(of: replay, because: "ended") }
    let command = DeadLetterCancel(replayID: replay.id, actor: LetterActor(admin, reason: draft.reason))
    guard let answer = try await commands.send(command, context) else { return .requested }
    if let refusal = answer.refusal {
      // Somebody may have been quicker, or all of it has gone meanwhile.
      let replay = try await self.replay(context)
      if let cancellation = replay.cancellation { return Self.already(replay, cancellation) }
      throw answer.reason == "nothing_to_cancel"
        ? try await nothingLeft(of: replay, because: "nothing_to_cancel") : refusal
    }
    let count = answer.letters?.applied ?? 0
    context.auditNote?.add("count", .number(Double(count)))
    return .success { json in
      json.member("id", replay.id.description)
      json.member("count", count)
      json.member("in_flight", answer.letters?.refused ?? 0)
      json.member("already", false)
    }
  }

  private func nothingLeft(of replay: ReplayRow, because reason: String) async throws -> APIError {
    let results = try await reads.withResults([replay]).first?.results ?? ReplayResults()
    return .conflict(reason, "Nothing of it is left to take back: of \(replay.letters) letters \(results.summary)")
  }

  private static func already(_ replay: ReplayRow, _ cancellation: ReplayRow.Cancellation) -> Response {
    let by = cancellation.actor.map { ", by \($0)" } ?? ""
    let message = "It was cancelled already\(by) at \(cancellation.at); nothing was done"
    return .success(message: message) { json in
      json.member("id", replay.id.description)
      json.member("count", 0)
      json.null("in_flight")
      json.member("already", true)
    }
  }

  private func replay(_ context: GatewayContext) async throws -> ReplayRow {
    guard let id = context.parameters.get("id").flatMap({ ReplayID($0) }), let replay = try await reads.replay(id)
    else { throw Self.none }
    return replay
  }

  private static let none = APIError(.notFound, "No such replay")
}
