import ArgumentParser
import Contracts
import Foundation
import HTTPTransport
import Logging
import ServiceKit

/// Compares a running broker with what is needed.
struct CheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Compare a broker with what is needed; exit 1 and a list when something is wrong.",
    discussion: """
      Reads the management API as the user `topology`, whose password is SLUICE_BROKER_PASSWORD_TOPOLOGY. Queues, types,
      arguments, exchanges and bindings are compared: an import keeps an existing queue of another type silently. In a
      cluster every queue needs a member on every node.
      """)

  @Option(help: "The management API, for example http://127.0.0.1:15672.")
  var url: String

  @Option(help: "The providers file.")
  var providers: String

  @Option(help: "Seconds to wait for the broker to be as needed.")
  var wait: Int = 0

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let file = try ProvidersFile.load(path: providers, environment: environment)
    let broker = ManagementAPI(
      url: url, user: "topology", password: environment["SLUICE_BROKER_PASSWORD_TOPOLOGY"] ?? "")
    let needed = BrokerTopology(providers: file.providers.map(\.name))
    let deadline = ContinuousClock.now + .seconds(wait)
    var (problems, remarks) = try await findings(broker, needed)
    while !problems.isEmpty, ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(500))
      (problems, remarks) = try await findings(broker, needed)
    }
    for remark in remarks { print("topology: \(remark)") }
    guard !problems.isEmpty else {
      print("topology: as needed (\(needed.queues.count) queues, \(needed.bindings.count) bindings)")
      return
    }
    for problem in problems { FileHandle.standardError.write(Data("topology: \(problem)\n".utf8)) }
    throw ExitCode(1)
  }

  private func findings(
    _ broker: ManagementAPI, _ needed: BrokerTopology
  ) async throws -> (problems: [String], remarks: [String]) {
    do {
      let difference = TopologyDifference(needed: needed, found: try await broker.topology())
      return (difference.problems, difference.remarks)
    } catch let error as ManagementAPIError {
      return ([error.message], [])
    }
  }
}
