import ArgumentParser
import ServiceKit

/// Folds the log of all facts into the tables that people read.
@main
struct ProjectorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status-projector",
    abstract: "Folds the log of all facts into the tables that people read.",
    discussion: "Settings: SLUICE_* variables.",
    subcommands: [RunCommand.self, RebuildCommand.self], defaultSubcommand: RunCommand.self)
}

struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "run", abstract: "Run the service.")

  func run() async {
    await ServiceRunner.run(service: "status-projector") { settings, logger in
      buildProjector(settings: settings, retention: try RetentionSettings.load(), logger: logger).services
    }
  }
}
