import ArgumentParser

/// The dead-letter service and its command line.
@main
struct DeadLetterCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dead-letter",
    abstract: "Keeps SMS that exhausted their attempts and broker messages nobody could read.",
    discussion: "Settings: SLUICE_* variables. `list` and `show` need SLUICE_DATABASE_URL alone.",
    subcommands: [RunCommand.self, ListCommand.self, ShowCommand.self], defaultSubcommand: RunCommand.self)
}
