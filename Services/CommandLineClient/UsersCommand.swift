import ArgumentParser
import JSONHTTP

/// Users and their tokens, for admins.
struct UsersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "users", abstract: "Manage users and their tokens. For admins.",
    discussion: "USER is an id or a user name.",
    subcommands: [
      List.self, Show.self, Create.self, Update.self, Delete.self, Traffic.self, Tokens.self, CreateToken.self,
      RevokeToken.self,
    ],
    defaultSubcommand: List.self)

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List users.")
    @Option(help: "What the user name holds.") var search: String?
    @Option(help: "Cursor from the previous page.") var cursor: String?
    @OptionGroup var options: GatewayOptions

    func run() async throws {
      let answer = try await options.gateway().call(
        "GET", "/api/admin/users", query: [("q", search), ("limit", "200"), ("cursor", cursor)])
      if options.json { return Console.print(answer) }
      UsersCommand.table(answer.json.data.users.array)
      if let next = answer.json.data.next_cursor.string { Console.note("more: --cursor \(next)") }
    }
  }

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show one user.")
    @Argument(help: "The user.") var user: String
    @OptionGroup var options: GatewayOptions

    func run() async throws {
      let gateway = try options.gateway()
      let answer = try await gateway.call("GET", "/api/admin/users/\(try await gateway.userID(user))")
      if options.json { Console.print(answer) } else { UsersCommand.table([answer.json.data]) }
    }
  }

  struct Create: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Create a user.", discussion: "With --password it is asked for, or read from standard input.")
    @Argument(help: "The user name.") var username: String
    @Flag(help: "Give them a password, for the panel.") var password = false
    @OptionGroup var settings: UserSettings
    @OptionGroup var options: GatewayOptions

    func run() async throws {
      var body = try settings.body()
      body["username"] = .string(username)
      if password { body["password"] = .string(try LoginCommand.password()) }
      let answer = try await options.gateway().call("POST", "/api/admin/users", body: .object(body))
      if options.json { Console.print(answer) } else { UsersCommand.table([answer.json.data]) }
    }
  }

  struct Update: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Change a user; `none` takes a limit away.",
      discussion: "With --password it is asked for, or read from standard input; it ends their sessions.")
    @Argument(help: "The user.") var user: String
    @Flag(help: "Give them a new password.") var password = false
    @OptionGroup var settings: UserSettings
    @OptionGroup var options: GatewayOptions

    func run() async throws {
      var body = try settings.body()
      if password { body["password"] = .string(try LoginCommand.password()) }
      guard !body.isEmpty else { throw ValidationError("There is nothing to change") }
      let gateway = try options.gateway()
      let answer = try await gateway.call(
        "PATCH", "/api/admin/users/\(try await gateway.userID(user))", body: .object(body))
      if options.json { Console.print(answer) } else { UsersCommand.table([answer.json.data]) }
    }
  }

  struct Delete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Delete a user; their messages stay.")
    @Argument(help: "The user.") var user: String
    @OptionGroup var options: GatewayOptions

    func run() async throws {
      let gateway = try options.gateway()
      let answer = try await gateway.call("DELETE", "/api/admin/users/\(try await gateway.userID(user))")
      Console.print(options.json ? answer.text : "\(user): deleted")
    }
  }

  struct Traffic: AsyncParsableCommand {
    enum Change: String, ExpressibleByArgument, CaseIterable, Sendable {
      case pause, resume
      case cancelAll = "cancel-all"
    }

    static let configuration = CommandConfiguration(
      abstract: "Pause, resume or cancel all that a user sends.")
    @Argument(help: "The user.") var user: String
    @Argument(help: "pause, resume or cancel-all.") var change: Change
    @OptionGroup var options: GatewayOptions

    func run() async throws {
      let gateway = try options.gateway()
      let answer = try await gateway.call(
        "POST", "/api/admin/users/\(try await gateway.userID(user))/\(change.rawValue)")
      if options.json { return Console.print(answer) }
      let data = answer.json.data
      Console.print(
        answer.json.status.string == "requested"
          ? "requested: not answered yet, it will be carried out"
          : "\(data.sent.int ?? 0) sent, \(data.in_flight.int ?? 0) in flight, \(data.cancelled.int ?? 0) cancelled, \(data.other.int ?? 0) other"
      )
    }
  }

  fileprivate static func table(_ users: [JSONValue]) {
    Console.table(
      ["id", "name", "admin", "active", "weight", "max class", "a day", "rate", "providers", "tokens"],
      users.map { user in
        [
          user.id.string ?? "", user.username.string ?? "", user.is_admin.bool == true ? "yes" : "no",
          user.is_active.bool != true ? "no" : user.paused.bool == true ? "paused" : "yes",
          (user.weight.double ?? 1).formatted(),
          user.max_class.string ?? "–",
          user.daily_limit.int.map(String.init) ?? "–", user.api_rate.int.map(String.init) ?? "–",
          user.providers.isNull ? "all" : user.providers.array.compactMap(\.string).joined(separator: ","),
          user.token_count.int.map(String.init) ?? "–",
        ]
      })
  }
}

extension Gateway {
  /// The id of a user who is named by id or by name.
  /// - Throws: `ExitCode.refused` when there is none.
  func userID(_ text: String) async throws -> String {
    // An id is 36 characters of hexadecimal digits and hyphens.
    if text.count == 36, text.allSatisfy({ $0.isHexDigit || $0 == "-" }) { return text }
    let found = try await call("GET", "/api/admin/users", query: [("q", text), ("limit", "200")]).json.data.users.array
    if let id = found.first(where: { $0.username.string?.lowercased() == text.lowercased() })?.id.string { return id }
    Console.complain("there is no user \(text)")
    throw ExitCode.refused
  }
}
