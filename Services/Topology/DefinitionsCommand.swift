import ArgumentParser
import Contracts
import Foundation
import ServiceKit

/// Prints RabbitMQ definitions for the providers of a file.
struct DefinitionsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "definitions", abstract: "Print a definitions file for RabbitMQ.",
    discussion: """
      Passwords are read from SLUICE_BROKER_PASSWORD_<USER>, in upper case with _ for -, for example
      SLUICE_BROKER_PASSWORD_API_GATEWAY. A user without one is written without a password and cannot log in.
      """)

  @Option(help: "The broker generation: 3.10 or 4.x.")
  var target: BrokerTopology.Target = .v4

  @Option(help: "The providers file.")
  var providers: String

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let file = try ProvidersFile.load(path: providers, environment: environment)
    var passwords: [String: String] = [:]
    for user in BrokerUser.all {
      let key = "SLUICE_BROKER_PASSWORD_" + user.name.uppercased().replacing("-", with: "_")
      passwords[user.name] = environment[key].flatMap { $0.isEmpty ? nil : $0 }
    }
    let topology = BrokerTopology(providers: file.providers.map(\.name))
    print(
      try BrokerDefinitions(topology: topology, target: target, passwords: passwords).json(), terminator: "")
  }
}

extension BrokerTopology.Target: ExpressibleByArgument {}
