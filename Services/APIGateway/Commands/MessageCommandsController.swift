import Contracts
import HTTPTypes
import Hummingbird

/// Cancels, pauses, resumes and repeats a user's messages.
struct MessageCommandsController: Sendable {
  let authenticator: Authenticator
  let reader: BodyReader
  let lookup: MessageLookup
  let bus: CommandBus

  var routes: [Route] {
    [
      route(.post, "/api/sms/{id}/cancel", .messageCancel) { MessageCancel(target: .message($0)) },
      route(.delete, "/api/sms/{id}", .messageCancel) { MessageCancel(target: .message($0)) },
      route(.post, "/api/sms/{id}/pause", .messagePause) { MessagePause(target: .message($0)) },
      route(.post, "/api/sms/{id}/resume", .messageResume) { MessageResume(target: .message($0)) },
      audited(.post, "/api/sms/{id}/retry-failed", .messageRetryFailed) { try await retryFailed($0, $1, $2) },
    ]
  }

  private func route(
    _ method: HTTPRequest.Method, _ path: String, _ action: AuditAction,
    _ command: @escaping @Sendable (MessageID) -> some Payload
  ) -> Route {
    audited(method, path, action) { request, context, principal in
      _ = try Query(request, allowing: [])
      try await reader.readNothing(request, context)
      let message = try await message(context, principal)
      let answer = try await bus.send(command(message.messageID), context)
      return try .command(answer) { json, answer in
        json.member("id", message.messageID.description)
        json.members(answer.counts)
      }
    }
  }

  private func retryFailed(
    _ request: Request, _ context: GatewayContext, _ principal: Principal
  ) async throws -> Response {
    _ = try Query(request, allowing: [])
    try await reader.readNothing(request, context)
    let message = try await message(context, principal)
    let answer = try await bus.send(MessageRetryFailed(messageID: message.messageID), context)
    return try .command(answer, status: .accepted) { json, answer in
      json.member("id", message.messageID.description)
      // What goes again is pending now, and nothing else is counted.
      json.member("retried", answer.counts?.pending)
    }
  }

  /// An admin may do it to anybody's message, and that is kept.
  private func audited(
    _ method: HTTPRequest.Method, _ path: String, _ action: AuditAction,
    _ handler: @escaping @Sendable (Request, GatewayContext, Principal) async throws -> Response
  ) -> Route {
    var route = Route.user(method, path, authenticator, handler)
    route.audit = action
    return route
  }

  private func message(_ context: GatewayContext, _ principal: Principal) async throws -> MessageRow {
    let message = try await lookup.message(context, principal)
    if message.userID == principal.userID { context.auditNote?.noteOwn() }
    return message
  }
}
