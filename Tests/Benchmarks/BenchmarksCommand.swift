import ArgumentParser

/// Measurements that are run by hand and print a table; no test depends on one.
@main
struct BenchmarksCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmarks", abstract: "Measures a stack that is running (deploy/local/up).",
    subcommands: [AcceptBenchmark.self])
}
