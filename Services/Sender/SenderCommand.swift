import ArgumentParser
import ServiceKit

/// The sender: carries out send commands through the gate. Any number of replicas compete.
@main
struct SenderCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sender", abstract: "Sends SMS to the providers through the gate. Settings: SLUICE_* variables.")

  func run() async {
    await ServiceRunner.run(
      service: "sender", shutdownLimit: SenderBuild.shutdownLimit, services: SenderBuild.services)
  }
}
