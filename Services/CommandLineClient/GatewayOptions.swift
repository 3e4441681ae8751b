import ArgumentParser
import Foundation
import JSONHTTP

/// Where the gateway is and who asks.
struct GatewayOptions: ParsableArguments {
  @Option(help: ArgumentHelp("The gateway, instead of SLUICE_URL.", valueName: "url"))
  var url: String?

  @Option(
    help: ArgumentHelp(
      "Access token. Prefer SLUICE_TOKEN: other users can see command-line arguments.", valueName: "token")
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
    guard let url = Self.trimmed(url ?? environment["SLUICE_URL"]) else {
      throw ValidationError("SLUICE_URL is not set; it is the gateway's address, such as http://127.0.0.1:8080")
    }
    guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
      throw ValidationError("SLUICE_URL must begin with http:// or https://")
    }
    guard Self.isPlain(url) else { throw ValidationError("SLUICE_URL holds a character that no address has") }
    let token = Self.trimmed(token ?? environment["SLUICE_TOKEN"])
    guard token.map(Self.isPlain) != false else {
      throw ValidationError("SLUICE_TOKEN holds a character that no token has, such as a space or a line break")
    }
    let base = url.hasSuffix("/") ? String(url.dropLast()) : url
    return Gateway(
      client: JSONClient(base: base, timeout: .seconds(timeout)).with(token: token))
  }

  /// Without the line break that files from Windows and `echo` leave at the end; `nil` for nothing.
  private static func trimmed(_ text: String?) -> String? {
    let text = text?.trimmingCharacters(in: .whitespacesAndNewlines)
    return text?.isEmpty == false ? text : nil
  }

  private static func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { (0x21...0x7E).contains($0) } }
}
