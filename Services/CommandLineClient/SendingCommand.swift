import ArgumentParser

/// The switch for everything.
struct SendingCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sending", abstract: "Show, stop or resume all sending. Stopping and resuming are for admins.",
    subcommands: [Show.self, Stop.self, Go.self], defaultSubcommand: Show.self)

  struct Show: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show whether sending is running or stopped.")
    @OptionGroup var options: GatewayOptions
    func run() async throws {
      let answer = try await options.gateway().health()
      if options.json { Console.print(answer) } else { Console.print("sending: \(answer.json.sending.string ?? "–")") }
    }
  }

  struct Stop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Stop all sending; what is in flight still goes.")
    @OptionGroup var options: GatewayOptions
    func run() async throws { try await SendingCommand.turn("stop", options) }
  }

  struct Go: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Resume sending.")
    @OptionGroup var options: GatewayOptions
    func run() async throws { try await SendingCommand.turn("go", options) }
  }

  fileprivate static func turn(_ verb: String, _ options: GatewayOptions) async throws {
    let answer = try await options.gateway().call("POST", "/api/admin/sending/\(verb)")
    if options.json { return Console.print(answer) }
    let state = answer.json.data.sending.string ?? answer.json.status.string ?? ""
    Console.print("sending: \(state)\(answer.json.data.in_flight.int.map { ", \($0) in flight" } ?? "")")
  }
}
