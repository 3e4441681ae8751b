import Contracts
import Hummingbird

/// Shows and overrides the providers' settings, and makes what was learnt about them forgotten. For admins.
struct ProviderSettingsController: Sendable {
  let authenticator: Authenticator
  let reader: BodyReader
  let providers: ProviderView
  let bus: CommandBus

  var routes: [Route] {
    [
      .admin(.get, "/api/admin/providers", authenticator) { request, _ in
        _ = try Query(request, allowing: [])
        return .success { json in
          json.array("providers", providers.snapshot.providers) { json, provider in
            json.element { json in provider.writeSettings(&json) }
          }
        }
      },
      .admin(.get, "/api/admin/providers/{id}", authenticator) { request, context in
        _ = try Query(request, allowing: [])
        let provider = try providers.provider(of: context)
        return .success { json in provider.writeSettings(&json) }
      },
      .admin(.patch, "/api/admin/providers/{id}", authenticator, audit: .providerUpdate) { try await change($0, $1) },
      .admin(.post, "/api/sms/health/{id}/reset", authenticator, audit: .healthReset) { request, context in
        _ = try Query(request, allowing: [])
        try await reader.readNothing(request, context)
        let name = try providers.provider(of: context).name
        return try await reset(.health, of: name, context)
      },
      .admin(.post, "/api/sms/distribution-stats/reset", authenticator, audit: .distributionReset) { request, context in
        _ = try Query(request, allowing: [])
        try await reader.readNothing(request, context)
        return try await reset(.distribution, of: nil, context)
      },
    ]
  }

  private func change(_ request: Request, _ context: GatewayContext) async throws -> Response {
    _ = try Query(request, allowing: [])
    let standing = try providers.provider(of: context)
    let name = standing.name
    let command = try ProviderPatch.decode(try await reader.read(request, context), provider: name)
    command.note(in: context.auditNote, changing: standing)
    let answer = try await bus.send(command, context)
    let provider = try providers.provider(of: context).applying(command)
    return try .command(answer) { json, _ in provider.writeSettings(&json) }
  }

  private func reset(
    _ subject: ProviderReset.Subject, of provider: String?, _ context: GatewayContext
  ) async throws -> Response {
    let answer = try await bus.send(ProviderReset(provider: provider, subject: subject), context)
    return try .command(answer) { json, _ in
      json.member("provider_id", provider)
      json.member("reset", subject.rawValue)
    }
  }
}

extension ProviderView {
  /// The provider of the path's `id`.
  func provider(of context: GatewayContext) throws -> ProviderStanding {
    guard let provider = context.parameters.get("id").flatMap({ self[$0] }) else {
      throw APIError(.notFound, "No such provider")
    }
    return provider
  }
}

extension ProviderSet {
  /// What the audit keeps of it; `null` goes back to the file.
  fileprivate func note(in note: AuditNote?, changing provider: ProviderStanding) {
    func add<Value>(_ name: String, _ change: SettingChange<Value>, _ json: (Value) -> JSONValue) {
      switch change {
      case .unchanged: break
      case .file: note?.add(name, .null)
      case .value(let value): note?.add(name, json(value))
      }
    }
    let before: [(name: String, isGiven: Bool, value: JSONValue)] = [
      ("rate", rate != .unchanged, provider.rate.map { .number(Double($0)) } ?? .null),
      ("window_s", windowSeconds != .unchanged, provider.windowSeconds.map { .number($0) } ?? .null),
      ("weight", weight != .unchanged, provider.weight.map { .number($0) } ?? .null),
      ("paused", isPaused != .unchanged, .bool(provider.isPaused)),
    ]
    note?.add("was", .object(before.filter(\.isGiven).map { JSONMember(name: $0.name, value: $0.value) }))
    add("rate", rate) { .number(Double($0)) }
    add("window_s", windowSeconds) { .number($0) }
    add("weight", weight) { .number($0) }
    add("paused", isPaused) { .bool($0) }
  }
}
