import Foundation
import TestSupport
import Testing

@Suite("Command line", .serialized, .stack(.hkt(rate: 50)))
struct CommandLineTests {
  private struct Run {
    var code: Int32
    var output: String
  }

  private func sluice(
    _ arguments: String..., token: String? = nil, url: String? = nil
  ) async throws -> Run {
    let stack = try SharedStack.current
    let (code, output) = try await Command(
      path: try BuiltProduct.url("sluice").path, arguments: arguments,
      environment: ["SLUICE_URL": url ?? stack.url, "SLUICE_TOKEN": token ?? stack.token, "TZ": "Asia/Hong_Kong"]
    ).run(within: .seconds(60))
    return Run(code: code, output: output)
  }

  /// A file that is gone after the test.
  private func withFile<Result>(_ text: String, _ body: (String) async throws -> Result) async throws -> Result {
    let url = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString).csv")
    try Data(text.utf8).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }  // in the folder for temporary files
    return try await body(url.path)
  }

  @Test("One SMS is sent and waited for, and its status says so")
  func one() async throws {
    let stack = try SharedStack.current
    let before = try await stack.mock.arrivals().count
    let sent = try await sluice("send", "9123 4567", "--text", "Hello", "--class", "urgent", "--wait")
    #expect(sent.code == 0, "\(sent.output)")
    let id = String(sent.output.prefix(36))
    let status = try await sluice("status", id, "--recipients")
    #expect(status.code == 0)
    #expect(status.output.contains("completed") && status.output.contains("1 sent"), "\(status.output)")
    #expect(status.output.contains("+85291234567"))
    let watched = try await sluice("status", id, "--watch", "--json")
    #expect(watched.code == 0)
    #expect(watched.output.contains(#""job_status":"completed""#))
    let listed = try await sluice("messages", "--status", "completed")
    #expect(listed.output.contains(id))
    #expect(try await stack.mock.arrivals().count == before + 1)
    let again = try await sluice("cancel", id)
    #expect(again.code == 1)
    #expect(again.output.contains("CONFLICT"))
  }

  @Test("Bad rows of a file are reported by line; nothing is sent, or only the good ones, each once")
  func file() async throws {
    let stack = try SharedStack.current
    let before = try await stack.mock.arrivals().count
    let text = "name;mobile\nAnn;91230001\nBob;hello\nCarl;\nDan;9123 0002\nEve;+852 9123 0001\n"
    try await withFile(text) { path in
      let refused = try await sluice("send", "--csv", path, "--text", "Hi")
      #expect(refused.code == 1)
      #expect(
        refused.output.contains("line 3: hello") && refused.output.contains("line 4: no number"), "\(refused.output)")
      #expect(try await stack.mock.arrivals().count == before)
      // Twice under one key.
      for _ in 0..<2 {
        let sent = try await sluice(
          "send", "--csv", path, "--column", "mobile", "--text", "Hi", "--skip-invalid", "--wait",
          "--idempotency-key", "guests-1")
        #expect(sent.code == 2, "\(sent.output)")
        #expect(sent.output.contains("line 3: hello"))
      }
      #expect(try await stack.mock.arrivals().count == before + 2)
    }
  }

  @Test("Many are handed over in parts, with a bar")
  func parts() async throws {
    let stack = try SharedStack.current
    let before = try await stack.mock.arrivals().count
    let numbers = (0..<40).map { "\(92_000_000 + $0)" }.joined(separator: "\n")
    try await withFile(numbers) { path in
      let sent = try await sluice("send", "--csv", path, "--text", "Hi", "--batch", "15", "--wait")
      #expect(sent.code == 0, "\(sent.output)")
      #expect(sent.output.contains("40 of 40 handed over"))
      #expect(sent.output.contains("40 of 40 sent"))
    }
    #expect(try await stack.mock.arrivals().count == before + 40)
  }

  @Test("What cannot be done has its exit code and its reason")
  func codes() async throws {
    let none = try await sluice("status", "01920000-0000-7000-8000-000000000000")
    #expect(none.code == 1 && none.output.contains("NOT_FOUND"), "\(none.output)")
    let stranger = try await sluice("queue", token: "wrong")
    #expect(stranger.code == 4 && stranger.output.contains("UNAUTHORIZED"), "\(stranger.output)")
    let away = try await sluice("queue", url: "http://127.0.0.1:1")
    #expect(away.code == 3, "\(away.output)")
    let usage = try await sluice("send", "91234567")
    #expect(usage.code == 64 && usage.output.contains("--text"), "\(usage.output)")
    let estimate = try await sluice("estimate", "91234567", "--text", "你好")
    #expect(estimate.code == 0 && estimate.output.contains("ucs2 because of 你 好"), "\(estimate.output)")
  }

  @Test("Providers and the switch are shown and changed")
  func providers() async throws {
    let queue = try await sluice("queue")
    #expect(queue.code == 0 && queue.output.contains("SMS wait"), "\(queue.output)")
    let listed = try await sluice("providers")
    #expect(listed.code == 0 && listed.output.contains("hkt"), "\(listed.output)")
    let set = try await sluice("providers", "set", "hkt", "--weight", "2")
    #expect(set.code == 0, "\(set.output)")
    let back = try await sluice("providers", "set", "hkt", "--weight", "file")
    #expect(back.code == 0, "\(back.output)")
    let stopped = try await sluice("sending", "stop")
    #expect(stopped.output.contains("stopped"), "\(stopped.output)")
    let going = try await sluice("sending", "go")
    #expect(going.output.contains("running"), "\(going.output)")
  }

  @Test("An admin creates a user with a token, who sends; a disabled one is out")
  func users() async throws {
    let created = try await sluice("users", "create", "shop", "--max-class", "normal", "--daily-limit", "3")
    #expect(created.code == 0 && created.output.contains("shop"), "\(created.output)")
    let token = try await sluice("users", "create-token", "shop", "till")
    #expect(token.code == 0, "\(token.output)")
    let secret = token.output.trimmingCharacters(in: .whitespacesAndNewlines)
    let listed = try await sluice("users", "tokens", "shop")
    #expect(listed.output.contains("till") && !listed.output.contains(secret), "\(listed.output)")
    try await eventually(within: .seconds(5), "the token works") { try await sluice("queue", token: secret).code == 0 }
    let sent = try await sluice("send", "91239999", "--text", "Hi", token: secret)
    #expect(sent.code == 0, "\(sent.output)")
    let urgent = try await sluice("estimate", "91239999", "--text", "Hi", "--class", "urgent", token: secret)
    #expect(urgent.code == 4 && urgent.output.contains("FORBIDDEN"), "\(urgent.output)")
    let denied = try await sluice("users", "list", token: secret)
    #expect(denied.code == 4, "\(denied.output)")
    let disabled = try await sluice("users", "update", "shop", "--active", "false")
    #expect(disabled.code == 0, "\(disabled.output)")
    try await eventually(within: .seconds(5), "the token works no more") {
      try await sluice("queue", token: secret).code == 4
    }
    let gone = try await sluice("users", "delete", "shop")
    #expect(gone.code == 0, "\(gone.output)")
    let unknown = try await sluice("users", "show", "shop")
    #expect(unknown.code == 1, "\(unknown.output)")
  }
}
