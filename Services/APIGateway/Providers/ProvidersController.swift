import Contracts
import Hummingbird

/// Shows how the providers do, as the scheduler last said: no database is asked.
struct ProvidersController: Sendable {
  let authenticator: Authenticator
  let providers: ProviderView

  var routes: [Route] {
    [
      route("/api/sms/providers") { _ in
        let known = providers.snapshot.providers
        return .success { json in
          json.array("providers", known) { json, provider in json.element { json in provider.write(&json) } }
        }
      },
      route("/api/sms/{id}/status") { context in
        let provider = try providers.provider(of: context)
        return .success { json in
          provider.write(&json)
          provider.writeWindow(&json)
        }
      },
      route("/api/sms/health") { _ in
        let known = try told().providers.filter { $0.state != nil }
        return .success { json in
          json.array("providers", known) { json, provider in json.element { json in provider.writeHealth(&json) } }
        }
      },
      route("/api/sms/health/{id}") { context in
        let provider = try providers.provider(of: context)
        guard provider.state != nil else { throw Self.notKnown }
        return .success { json in provider.writeHealth(&json) }
      },
      route("/api/sms/distribution-stats") { _ in
        let shares = DistributionShares(try told().providers)
        return .success { json in shares.write(&json) }
      },
      route("/api/sms/rate-limits") { _ in
        let limits = RateLimits(try told(), now: .now())
        return .success { json in limits.write(&json) }
      },
    ]
  }

  private func route(_ path: String, _ answer: @escaping @Sendable (GatewayContext) throws -> Response) -> Route {
    .user(.get, path, authenticator) { request, context, _ in
      _ = try Query(request, allowing: [])
      return try answer(context)
    }
  }

  /// What the scheduler said; it says so every few seconds.
  private func told() throws -> ProviderView.Snapshot {
    let snapshot = providers.snapshot
    guard snapshot.asOf != nil else { throw Self.notKnown }
    return snapshot
  }

  private static let notKnown = APIError.unavailable("How the providers do is not known yet")
}
