import ArgumentParser
import JSONHTTP

extension UsersCommand {
  struct Tokens: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List a user's tokens.")
    @Argument(help: "The user.") var user: String
    @OptionGroup var options: GatewayOptions

    func run() async throws {
      let gateway = try options.gateway()
      let answer = try await gateway.call("GET", "/api/admin/users/\(try await gateway.userID(user))/tokens")
      if options.json { return Console.print(answer) }
      Console.table(
        ["id", "name", "created", "expires", "last used"],
        answer.json.data.tokens.array.map { row in
          [
            row.id.string ?? "", row.name.string ?? "", Clock.text(row.created_at.string),
            Clock.text(row.expires_at.string), Clock.text(row.last_used_at.string),
          ]
        })
    }
  }

  struct CreateToken: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Give a user a token; it is printed now and never again.")
    @Argument(help: "The user.") var user: String
    @Argument(help: "What it is for.") var name: String
    @Option(help: ArgumentHelp("When it stops working.", valueName: "time")) var expiresAt: String?
    @OptionGroup var options: GatewayOptions

    func run() async throws {
      let gateway = try options.gateway()
      var body: [String: JSONValue] = ["name": .string(name)]
      body["expires_at"] = expiresAt.map { .string($0) }
      let answer = try await gateway.call(
        "POST", "/api/admin/users/\(try await gateway.userID(user))/tokens", body: .object(body))
      Console.print(options.json ? answer.text : answer.json.data.token.string ?? "")
    }
  }

  struct RevokeToken: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Take a token away.")
    @Argument(help: "The user.") var user: String
    @Argument(help: "The token's id.") var token: String
    @OptionGroup var options: GatewayOptions

    func run() async throws {
      let gateway = try options.gateway()
      let answer = try await gateway.call(
        "DELETE", "/api/admin/users/\(try await gateway.userID(user))/tokens/\(Gateway.escaped(token))")
      Console.print(options.json ? answer.text : "revoked")
    }
  }
}
