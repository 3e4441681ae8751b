import ArgumentParser
import ServiceKit

struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "run", abstract: "Run the service.")

  func run() async {
    await ServiceRunner.run(service: "dead-letter", services: DeadLetterBuild.services)
  }
}
