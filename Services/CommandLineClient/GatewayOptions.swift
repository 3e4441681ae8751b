import ArgumentParser
import Foundation
import JSONHTTP

/// Where the gateway is and who asks.
struct GatewayOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The gateway, instead of SLUICE_URL.", valueName: "url"))
  var url: String?

  @Option(
    help: ArgumentHelp("A token, instead of SLUICE_TOKEN, which others on this machine cannot see.", valueName: "token")
  )
  var token: String?

  @Option(help: ArgumentHelp("How long to wait for an answer.", valueName: "seconds"))
  var timeout: Int = 15

  @Flag(help: "Print the gateway's answer as it is.")
  var json = false

  func validate() throws {
    guard (1...600).contains(timeout) else { throw ValidationError("--timeout must be from 1 to 600 seconds") }
  }

  /// - Throws: `ValidationError` without an address.
  func gateway() throws -> Gateway {
    let environment = ProcessInfo.processInfo.environment
    guard let url = url ?? environment["SLUICE_URL"], !url.isEmpty else {
      throw ValidationError("SLUICE_URL is not set; it is the gateway's address, such as http://127.0.0.1:8080")
    }
    guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
      throw ValidationError("SLUICE_URL must begin with http:// or https://")
    }
    let token = token ?? environment["SLUICE_TOKEN"]
    let base = url.hasSuffix("/") ? String(url.dropLast()) : url
    return Gateway(
      client: JSONClient(base: base, timeout: .seconds(timeout)).with(token: token.flatMap { $0.isEmpty ? nil : $0 }))
  }
}
