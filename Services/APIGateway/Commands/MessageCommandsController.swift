import Contracts
import HTTPTypes
import Hummingbird

/// Cancels, pauses, resumes and repeats a user's messages.
struct MessageCommandsController: Sendable {
  let authenticator: Authenticator
  let lookup: MessageLookup
  let bus: CommandBus

  var routes: [Route] {
    [
      route(.post, "/api/sms/{id}/cancel") { MessageCancel(target: .message($0)) },
      route(.delete, "/api/sms/{id}") { MessageCancel(target: .message($0)) },
      route(.post, "/api/sms/{id}/pause") { MessagePause(target: .message($0)) },
      route(.post, "/api/sms/{id}/resume") { MessageResume(target: .message($0)) },
      .user(.post, "/api/sms/{id}/retry-failed", authenticator) { try await retryFailed($0, $1, $2) },
    ]
  }

  private func route(
    _ method: HTTPRequest.Method, _ path: String, _ command: @escaping @Sendable (MessageID) -> some Payload
  ) -> Route {
    .user(method, path, authenticator) { request, context, principal in
      _ = try Query(request, allowing: [])
      let message = try await lookup.message(context, principal)
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
    let message = try await lookup.message(context, principal)
    let answer = try await bus.send(MessageRetryFailed(messageID: message.messageID), context)
    return try .command(answer, status: .accepted) { json, answer in
      json.member("id", message.messageID.description)
      // What goes again is pending now, and nothing else is counted.
      json.member("retried", answer.counts?.pending)
    }
  }
}
