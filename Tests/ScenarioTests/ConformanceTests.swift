import Foundation
import TestSupport
import Testing

@Suite("Conformance", .serialized)
struct ConformanceTests {
  @Test("What the API's description promises, schemathesis finds kept, with all its checks", .timeLimit(.minutes(10)))
  func schemathesis() async throws {
    let tool = try #require(
      ProcessInfo.processInfo.environment["SLUICE_SCHEMATHESIS"], "deploy/local/test installs schemathesis and names it"
    )
    // On a busy machine the read side is more than a second behind at times, and every 503 is a failure here.
    try await withStack(StackOptions(environment: ["SLUICE_READ_WAIT_SECONDS": "8"])) { stack in
      // Until the scheduler has told how things are, some answers are a 503.
      let id = try await stack.send(to: numbers(1)[0])
      _ = try await stack.finalMessage(id, within: .seconds(20))
      try await eventually(within: .seconds(70), "the queue is known") {
        try await stack.gateway.get("/api/admin/queue").status == 200
      }
      var environment = ProcessInfo.processInfo.environment
      environment["SLUICE_TOKEN"] = stack.token
      environment["SCHEMATHESIS_HOOKS"] = Self.folder.appending(path: "hooks.py").path
      // What it remembers between runs is not kept: a failure shows its seed.
      let memory = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: memory) }  // in the folder for temporary files
      environment["HYPOTHESIS_STORAGE_DIRECTORY"] = memory.path
      // The same questions in every short run, so that a red one is about the change.
      let seed = Length.isLong ? [] : ["--seed", "4711"]
      let examples = Length.choose("30", long: "500")
      let (code, output) = try await Command(
        path: tool,
        arguments: [
          "--config-file", Self.folder.appending(path: "schemathesis.toml").path, "run", "\(stack.url)/openapi.json",
          "--checks", "all", "--max-examples", examples, "--no-color",
        ] + seed, environment: environment
      ).run(within: .seconds(540))
      #expect(code == 0, "\(output.suffix(12_000))")
      // An empty description would be kept as well.
      let tested = output.firstMatch(of: /(\d+) generated/).flatMap { Int($0.1) } ?? 0
      #expect(tested > 1_000, "\(output.suffix(2_000))")
    }
  }

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "APIConformance")
}
