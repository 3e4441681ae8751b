import ServiceKit

/// `api-gateway`: the HTTP API.
@main
struct APIGateway {
  static func main() async throws {
    try await ServiceRunner.run(service: "api-gateway") { service, logger in
      Gateway(service: service, settings: try GatewaySettings.load(), logger: logger).services
    }
  }
}
