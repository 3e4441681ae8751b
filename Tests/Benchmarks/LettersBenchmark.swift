import ArgumentParser
import Foundation
import Postgres
import TestSupport

/// How long it takes to find letters among very many.
struct LettersBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "letters", abstract: "Latency of finding dead letters, each combination of filters, among a million.",
    discussion: """
      Starts a stack of its own from SLUICE_BUILD_DIR, fills the letters and asks the functions that the gateway asks,
      one after another. A fifth of the letters is pending; half are of one user.
      """)

  @Option(help: "Letters in store.")
  var letters = 1_000_000

  @Option(help: "Questions of each kind; the first tenth is not counted.")
  var requests = 200

  func run() async throws {
    try await withStack(StackOptions(providers: StackOptions.jsonProviders(["p"], rate: 2))) { stack in
      let stored = StoredLetters(stack: stack)
      try await stored.add(letters)
      try await stored.settle()
      print("\(letters) letters\n\n| question | letters found | p50 | p99 |\n|---|---|---|---|")
      for question in LetterQuestion.lists + LetterQuestion.previews + LetterQuestion.choices {
        try await measure(question, stack)
      }
      if letters >= 500_000 { try await LetterReplayRun(stack: stack).run() }
    }
  }

  private func measure(_ question: LetterQuestion, _ stack: Stack) async throws {
    let pool = try stack.database()
    var random: any RandomNumberGenerator = SeededGenerator(seed: 1)
    var seconds: [Double] = []
    var found = 0
    for _ in 0..<requests + requests / 10 {
      let query = question.query(&random, letters)
      let start = ContinuousClock.now
      let rows = try await pool.query(query)
      seconds.append(start.duration(to: .now) / .seconds(1))
      found = max(found, try question.isPreview ? rows.reduce(0) { $0 + (try $1.decode("letters")) } : rows.count)
    }
    let sorted = seconds.dropFirst(requests / 10).sorted()
    print(
      "| \(question.name) | \(found) "
        + String(
          format: "| %.2f ms | %.2f ms |", sorted[sorted.count / 2] * 1000, sorted[sorted.count * 99 / 100] * 1000))
  }
}
