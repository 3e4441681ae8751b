import ArgumentParser
import Foundation
import TestSupport

/// How near the estimated times come to the real ones, and how the spans hold.
struct EtaBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "eta", abstract: "Estimated against real times of completion under ten loads.",
    discussion: """
      Starts a stack of its own from SLUICE_BUILD_DIR. Each load takes about a minute; every pending message is asked for
      once a second, and asked again when it is done. Samples before the last disturbance and 15 s after are left out.
      """)

  @Option(help: "Loads to run, by number from 1; may be repeated. All of them without.")
  var load: [Int] = []

  func run() async throws {
    print(
      "| load | samples | without a time | p95 error | within the limit | inside [low, high] | span too wide | position rose |"
    )
    print("|---|---|---|---|---|---|---|---|")
    try await withStack(StackOptions(providers: StackOptions.jsonProviders(["p1"], rate: 5))) { stack in
      for (number, eta) in zip(1..., EtaLoad.all) where load.isEmpty || load.contains(number) {
        var run = EtaRun(eta, stack)
        let score = try await run.run(within: .seconds(180)).score(
          seconds: eta.isSteady ? 1 : 3, share: eta.isSteady ? 0.05 : 0.1)
        let limit = eta.isSteady ? "1 s, 5 %" : "3 s, 10 %"
        print(
          String(
            format: "| %@ | %d | %d | %.2f s | %.1f %% (%@) | %.1f %% | %.1f %% | %d |", eta.name, score.count,
            score.unknown, score.p95, score.inLimit * 100, limit, score.inside * 100, score.wide * 100, score.rises))
      }
    }
  }
}
