import ServiceKit

/// `api-gateway`: the HTTP API.
@main
struct APIGateway {
  static func main() async {
    await ServiceRunner.run(service: "api-gateway") { @Sendable service, logger in
      DescriptorLimit.raise()
      let settings = try GatewaySettings.load()
      return Gateway(service: service, settings: settings, logger: logger).services
    }
  }
}
