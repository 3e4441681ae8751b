import ArgumentParser

/// The broker's topology: prints it as definitions, and checks a running broker against it.
@main
struct TopologyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "topology", abstract: "The broker's exchanges, queues, bindings, policies and users.",
    subcommands: [DefinitionsCommand.self, CheckCommand.self])
}
