import ArgumentParser
import JSONHTTP

/// Shows and changes providers.
struct ProvidersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "providers", abstract: "Show the providers, and change their settings.",
    subcommands: [List.self, Set.self, Pause.self, Resume.self, Reset.self], defaultSubcommand: List.self)

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show the providers and how they do.")
    @OptionGroup var options: GatewayOptions

    func run() async throws {
      let answer = try await options.gateway().call("GET", "/api/sms/providers")
      if options.json { return Console.print(answer) }
      Console.table(
        ["provider", "adapter", "rate", "weight", "state", "effective", "in flight"],
        answer.json.data.providers.array.map(ProvidersCommand.row))
    }
  }

  struct Set: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Override the file's settings; `file` goes back to it. For admins.",
      discussion: "sluice providers set hkt --rate 1\nsluice providers set hkt --rate file --weight file")
    @Argument(help: "The provider.") var name: String
    @Option(help: "SMS per window.") var rate: String?
    @Option(help: "Seconds of the window.") var window: String?
    @Option(help: "Its share of the traffic.") var weight: String?
    @OptionGroup var options: GatewayOptions

    func run() async throws {
      var body: [String: JSONValue] = [:]
      for (member, text) in [("rate", rate), ("window_s", window), ("weight", weight)] {
        guard let text else { continue }
        if text == "file" {
          body[member] = .null
        } else if let number = Double(text) {
          body[member] = .number(number)
        } else {
          throw ValidationError("\(member): \(text) is neither a number nor `file`")
        }
      }
      guard !body.isEmpty else { throw ValidationError("Give --rate, --window or --weight") }
      try await ProvidersCommand.change(name, .object(body), options)
    }
  }

  struct Pause: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Send nothing by a provider. For admins.")
    @Argument(help: "The provider.") var name: String
    @OptionGroup var options: GatewayOptions
    func run() async throws { try await ProvidersCommand.change(name, ["paused": true], options) }
  }

  struct Resume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Let a provider go on, also after refused credentials. For admins.")
    @Argument(help: "The provider.") var name: String
    @OptionGroup var options: GatewayOptions
    func run() async throws { try await ProvidersCommand.change(name, ["paused": false], options) }
  }

  struct Reset: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Forget a provider's failures and its lowered rate. For admins.")
    @Argument(help: "The provider.") var name: String
    @OptionGroup var options: GatewayOptions

    func run() async throws {
      let answer = try await options.gateway().call("POST", "/api/sms/health/\(Gateway.escaped(name))/reset")
      Console.print(options.json ? answer.text : "\(name): forgotten")
    }
  }

  fileprivate static func change(_ name: String, _ body: JSONValue, _ options: GatewayOptions) async throws {
    let answer = try await options.gateway().call("PATCH", "/api/admin/providers/\(Gateway.escaped(name))", body: body)
    if options.json { return Console.print(answer) }
    if answer.json.status.string == "requested" {
      Console.print("requested: not answered yet, it will be carried out")
      return
    }
    Console.table(
      ["provider", "adapter", "rate", "weight", "state", "effective", "in flight"], [row(answer.json.data)])
  }

  fileprivate static func row(_ row: JSONValue) -> [String] {
    [
      row.id.string ?? "", row.adapter.string ?? "",
      "\((row.rate.double ?? 0).formatted()) / \((row.window_s.double ?? 1).formatted()) s",
      (row.weight.double ?? 1).formatted(), row.state.string ?? "–", (row.effective_rate.double ?? 0).formatted(),
      "\(row.in_flight.int ?? 0)",
    ]
  }
}
