import Contracts
import Hummingbird

/// Replays, abandons and settles one letter at a time. For admins; a second click changes nothing and says so.
struct LetterActionsController: Sendable {
  let authenticator: Authenticator
  let reader: BodyReader
  let providers: ProviderView
  let commands: LetterCommands

  var routes: [Route] {
    [
      route("replay", .letterReplay, .replay), route("abandon", .letterAbandon, .abandon),
      route("settle", .letterSettle, .settle),
    ]
  }

  private func route(_ name: String, _ audit: AuditAction, _ kind: LetterActionDraft.Kind) -> Route {
    .admin(.post, "/api/admin/dead-letters/{id}/\(name)", authenticator, audit: audit) { request, context, admin in
      _ = try Query(request, allowing: [])
      let bytes = try await reader.readOptional(request, context)
      let draft = try LetterActionDraft.decode(bytes, kind, now: .now()) { providers[$0] != nil }
      draft.note(in: context.auditNote)
      return try await carryOut(draft, on: try await letter(context), context, admin)
    }
  }

  private func carryOut(
    _ draft: LetterActionDraft, on letter: LetterRow, _ context: GatewayContext, _ admin: Principal
  ) async throws -> Response {
    try draft.check(for: letter)
    switch draft.action.step(for: letter) {
    case .refuse(let error): throw error
    case .already(let message): return LetterActionAnswer(letter, message: message).response
    case .apply: break
    }
    let forecasts = draft.action == .replay && !letter.isPoison
    let outlook = forecasts ? try await commands.outlook(.init(ids: [letter.id]), .replay, draft.options) : nil
    let command = draft.command(for: letter, actor: LetterActor(admin, reason: draft.reason))
    guard let answer = try await commands.send(command, context) else { return .requested }
    if answer.result == .done, answer.letters?.applied ?? 1 > 0 {
      let replayID = answer.letters?.replayID
      if let replayID { context.auditNote?.add("replay_id", .string(replayID.description)) }
      return LetterActionAnswer(
        letter, status: draft.action.outcome(for: letter), replayID: replayID, completeAt: outlook?.completion()
      ).response
    }
    return try await unapplied(draft, answer, context)
  }

  /// Somebody or something was quicker, or the service would not have it: the letter says what it is now.
  private func unapplied(
    _ draft: LetterActionDraft, _ answer: CommandAnswered, _ context: GatewayContext
  ) async throws -> Response {
    let letter = try await letter(context)
    switch draft.action.step(for: letter) {
    case .refuse(let error): throw error
    case .already(let message): return LetterActionAnswer(letter, message: message).response
    case .apply: break
    }
    if answer.letters?.isRunning == true {
      return LetterActionAnswer(
        letter, replayID: answer.letters?.replayID, message: "The same replay runs already; nothing was done"
      ).response
    }
    if let refusal = answer.refusal { throw refusal }
    throw APIError.conflict(answer.refusals?.first?.reason ?? "wrong_state", "The state of the SMS forbids this now")
  }

  private func letter(_ context: GatewayContext) async throws -> LetterRow {
    try await commands.reads.letter(of: context)
  }
}

extension DeadLetterReads {
  /// The letter of the path's `id`.
  func letter(of context: GatewayContext) async throws -> LetterRow {
    guard let id = context.parameters.get("id").flatMap({ EnvelopeID($0) }), let letter = try await letter(id) else {
      throw APIError(.notFound, "No such letter")
    }
    return letter
  }
}

extension LetterActionDraft {
  /// What the audit keeps of it. The reason lies with what was asked for: people may write anything into it.
  fileprivate func note(in note: AuditNote?) {
    options.note(in: note)
    if case .settle(let verdict) = action { note?.add("as", .string(verdict.rawValue)) }
    if body != nil { note?.add("body", .string("mended")) }
  }
}

extension ReplayOptions {
  func note(in note: AuditNote?) {
    if let messageClass { note?.add("class", .string(messageClass.rawValue)) }
    if let provider { note?.add("provider", .string(provider)) }
    if let expiresAt { note?.add("expires_at", .string(expiresAt.description)) }
  }
}
