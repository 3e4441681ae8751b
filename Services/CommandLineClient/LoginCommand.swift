import ArgumentParser
import Foundation
import JSONHTTP

/// A token for a name and a password.
struct LoginCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "login", abstract: "Get a token that works for some hours.",
    discussion: """
      The password is asked for, or read from standard input. The token is printed: SLUICE_TOKEN=$(sluice login ann)
      """)

  @Argument(help: "Your user name.")
  var username: String

  @OptionGroup var options: GatewayOptions

  func run() async throws {
    let answer = try await options.gateway().call(
      "POST", "/api/auth/login", body: ["username": .string(username), "password": .string(try Self.password())])
    if options.json { return Console.print(answer) }
    Console.print(answer.json.data.access_token.string ?? "")
    Console.note("works until \(Clock.text(answer.json.data.expires_at.string))")
  }

  /// A line of standard input, not shown while it is typed.
  static func password() throws -> String {
    let silence = isatty(STDIN_FILENO) == 1 ? SilentTerminal.begin() : nil
    if silence != nil { Console.write("Password: ", to: .standardError) }
    defer {
      if let silence {
        silence.end()
        Console.write("\n", to: .standardError)
      }
    }
    guard let password = readLine(), !password.isEmpty else { throw ValidationError("Give a password") }
    return password
  }
}
