import Contracts
import Hummingbird

/// Holds back, lets go or cancels what one user sends, and switches all sending off and on. For admins.
struct TrafficController: Sendable {
  let authenticator: Authenticator
  let reader: BodyReader
  let users: UserLookup
  let bus: CommandBus

  var routes: [Route] {
    [
      user("/api/admin/users/{id}/pause", .userPause) { MessagePause(target: .user($0)) },
      user("/api/admin/users/{id}/resume", .userResume) { MessageResume(target: .user($0)) },
      user("/api/admin/users/{id}/cancel-all", .userCancelAll) { MessageCancel(target: .user($0)) },
      sending("/api/admin/sending/stop", .sendingStop, SendingStop(), "stopped"),
      sending("/api/admin/sending/go", .sendingGo, SendingGo(), "running"),
    ]
  }

  private func user(
    _ path: String, _ audit: AuditAction, _ command: @escaping @Sendable (UserID) -> some Payload
  ) -> Route {
    .admin(.post, path, authenticator, audit: audit) { request, context in
      _ = try Query(request, allowing: [])
      try await reader.readNothing(request, context)
      let user = try await users.user(context)
      let answer = try await bus.send(command(user), context)
      return try .command(answer) { json, answer in
        json.member("user_id", user.description)
        json.members(answer.counts)
      }
    }
  }

  private func sending(
    _ path: String, _ audit: AuditAction, _ command: some Payload, _ state: String
  ) -> Route {
    .admin(.post, path, authenticator, audit: audit) { request, context in
      _ = try Query(request, allowing: [])
      try await reader.readNothing(request, context)
      let answer = try await bus.send(command, context)
      return try .command(answer) { json, answer in
        json.member("sending", state)
        json.member("in_flight", answer.counts?.sending)
      }
    }
  }
}
