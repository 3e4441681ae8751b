import Contracts
import Hummingbird

/// Replays, abandons and settles many letters at a time, or says what that would do. For admins.
struct BulkLettersController: Sendable {
  let authenticator: Authenticator
  let reader: BodyReader
  let providers: ProviderView
  let commands: LetterCommands

  var routes: [Route] {
    [
      route("replay", .lettersReplay, .replay), route("abandon", .lettersAbandon, .abandon),
      route("settle", .lettersSettle, .settle),
    ]
  }

  private func route(_ name: String, _ audit: AuditAction, _ kind: LetterActionDraft.Kind) -> Route {
    .admin(.post, "/api/admin/dead-letters/\(name)", authenticator, audit: audit) { request, context, admin in
      _ = try Query(request, allowing: [])
      let bytes = try await reader.read(request, context)
      let draft = try BulkLetterDraft.decode(bytes, kind, now: .now()) { providers[$0] != nil }
      if draft.isDryRun { context.auditNote?.noteTrial() }
      draft.note(in: context.auditNote)
      try await refusePoison(draft.selection)
      return draft.isDryRun ? try await preview(draft) : try await carryOut(draft, context, admin)
    }
  }

  /// - Throws: `INVALID_FIELD` with every id of a broker message.
  private func refusePoison(_ selection: LetterSelection) async throws {
    guard let ids = selection.ids else { return }
    let poison = try await commands.reads.poison(among: ids)
    guard !poison.isEmpty else { return }
    throw APIError(
      .invalidField, "Some are broker messages, which are replayed and abandoned one at a time",
      details: ids.enumerated().filter { poison.contains($0.element) }.map {
        .init("ids[\($0.offset)]", LetterRow.poison, "This is a broker message")
      })
  }

  private func preview(_ draft: BulkLetterDraft) async throws -> Response {
    let outlook = try await commands.outlook(draft.selection, draft.action, draft.options)
    return .success(message: "Nothing was done: this is what would be") { json in
      json.member("count", outlook.letters)
      json.member("segments", outlook.segments)
      json.member("estimated_complete_at", outlook.completion())
      json.member("dry_run", true)
    }
  }

  private func carryOut(
    _ draft: BulkLetterDraft, _ context: GatewayContext, _ admin: Principal
  ) async throws -> Response {
    let outlook =
      draft.action == .replay ? try await commands.outlook(draft.selection, draft.action, draft.options) : nil
    let command = draft.command(actor: LetterActor(admin, reason: draft.reason))
    guard let answer = try await commands.send(command, context) else { return .requested }
    let untouched = draft.untouched(answer)
    if untouched == nil, let refusal = answer.refusal { throw refusal }
    let letters = untouched ?? answer.letters
    let applied = letters?.applied ?? 0
    context.auditNote?.add("count", .number(Double(applied)))
    if let id = letters?.replayID { context.auditNote?.add("replay_id", .string(id.description)) }
    return .success(message: Self.message(applied: applied, isRunning: letters?.isRunning ?? false)) { json in
      json.member("count", applied)
      json.member("segments", letters?.segments)
      json.member("estimated_complete_at", outlook?.completion(of: applied))
      json.member("replay_id", letters?.replayID?.description)
      json.member("already", letters?.isRunning ?? false)
      json.member("refused", letters?.refused ?? 0)
    }
  }

  private static func message(applied: Int, isRunning: Bool) -> String? {
    if isRunning { return "The same replay runs already; nothing was done" }
    return applied == 0 ? "There was nothing to do" : nil
  }
}

extension BulkLetterDraft {
  /// Of letters that were named none could be taken: that is no error here, and a second click gets no other answer.
  fileprivate func untouched(_ answer: CommandAnswered) -> CommandAnswered.LetterCounts? {
    guard answer.result == .refused, let ids = selection.ids,
      ["not_found", "poison", "not_pending", "wrong_state"].contains(answer.reason)
    else { return nil }
    return answer.letters ?? .init(applied: 0, refused: ids.count)
  }

  /// What the audit keeps of it.
  fileprivate func note(in note: AuditNote?) {
    guard let note else { return }
    if let ids = selection.ids { note.add("ids", .number(Double(ids.count))) }
    if let errorType = selection.errorType { note.add("error_type", .string(errorType)) }
    if let provider = selection.provider { note.add("last_provider", .string(provider)) }
    if let user = selection.userID { note.add("user_id", .string(user.description)) }
    if let message = selection.messageID { note.add("message_id", .string(message.description)) }
    if let from = selection.from { note.add("from", .string(from.description)) }
    if let to = selection.to { note.add("to", .string(to.description)) }
    if let limit = selection.limit { note.add("limit", .number(Double(limit))) }
    options.note(in: note)
    if case .settle(let verdict) = action { note.add("as", .string(verdict.rawValue)) }
  }
}
