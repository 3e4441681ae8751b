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

  @Option(help: "How many days of facts the log keeps; rebuilds and a projector that was away need them.")
  var logDays: Int = 7

  @Option(help: "The most that the log takes of each node's disk, in GB; by default what the days need at full rate.")
  var logGigabytes: Int?

  func validate() throws {
    guard (1...365).contains(logDays) else { throw ValidationError("--log-days is from 1 to 365") }
    guard (logGigabytes ?? 1) >= 1 else { throw ValidationError("--log-gigabytes is at least 1") }
  }

  private func logSize(_ file: ProvidersFile) -> LogSize {
    let rate = file.providers.reduce(0) { $0 + $1.limit.rate }
    var size = LogSize.forRate(min(rate, file.globalRate ?? rate), days: logDays)
    if let logGigabytes { size.bytes = logGigabytes * 1_000_000_000 }
    return size
  }

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
      try BrokerDefinitions(topology: topology, target: target, passwords: passwords, log: logSize(file)).json(),
      terminator: "")
  }
}

extension BrokerTopology.Target: ExpressibleByArgument {}
