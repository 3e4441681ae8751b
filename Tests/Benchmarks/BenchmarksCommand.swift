import ArgumentParser

/// Measurements that are run by hand and print a table; no test depends on one.
@main
struct BenchmarksCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmarks", abstract: "Measurements that print a table.",
    subcommands: [
      AcceptBenchmark.self, BacklogBenchmark.self, EtaBenchmark.self, LettersBenchmark.self, ListBenchmark.self,
      ProjectorBenchmark.self, ReadBenchmark.self, ThroughputBenchmark.self,
    ])
}
