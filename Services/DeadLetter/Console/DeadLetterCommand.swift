import ArgumentParser

/// The dead-letter service and its command line.
@main
struct DeadLetterCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dead-letter",
    abstract: "Keeps SMS that exhausted their attempts and broker messages nobody could read.",
    discussion: """
      Settings: SLUICE_* variables. `list` and `show` need SLUICE_DATABASE_URL alone. What changes something needs
      SLUICE_AMQP_URL besides, but works without the broker: then the service goes on with it.
      Exit codes: 0 done, or it runs already; 1 nothing was done; 64 a wrong command line; 78 a wrong setting.
      """,
    subcommands: [
      RunCommand.self, ListCommand.self, ShowCommand.self, ReplayCommand.self, CancelCommand.self, AbandonCommand.self,
      SettleCommand.self, ReturnCommand.self, DropCommand.self,
    ], defaultSubcommand: RunCommand.self)
}
