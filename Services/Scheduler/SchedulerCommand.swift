import ArgumentParser
import ServiceKit

/// The scheduler: the backlog, and what goes next to whom. One replica leads, others stand by.
@main
struct SchedulerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scheduler", abstract: "Keeps the backlog and decides what goes next. Settings: SLUICE_* variables.")

  func run() async {
    await ServiceRunner.run(service: "scheduler", services: SchedulerBuild.services)
  }
}
