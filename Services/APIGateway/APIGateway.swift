import ServiceKit

/// `api-gateway`: the HTTP API.
@main
struct APIGateway {
  static func main() async {
    await ServiceRunner.run(
      service: "api-gateway", shutdownLimit: { _ in .seconds(10 + (try GatewaySettings.load()).drainSeconds) }
    ) { @Sendable service, logger in
      var settings = try GatewaySettings.load()
      settings.providers = try service.loadProviders().providers.map(ConfiguredProvider.init)
      return try Gateway(service: service, settings: settings, logger: logger).services
    }
  }
}
