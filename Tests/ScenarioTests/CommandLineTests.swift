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
    try await run(arguments, token: token, url: url)
  }

  private func run(_ arguments: [String], token: String? = nil, url: String? = nil) async throws -> Run {
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
    let coarse = try await sluice("messages", "--status", "sent")
    #expect(coarse.code == 0 && coarse.output.contains(id), "\(coarse.output)")
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

  @Test("Bad rows of every part are reported before anything is sent")
  func badRowsOfLaterParts() async throws {
    let stack = try SharedStack.current
    let before = try await stack.mock.arrivals().count
    try await withFile("91230101\nhello\n91230102\n91230103\n91230104\nworld\n") { path in
      let refused = try await sluice("send", "--csv", path, "--column", "1", "--text", "Hi", "--batch", "2")
      #expect(refused.code == 1, "\(refused.output)")
      #expect(refused.output.contains("line 2: hello") && refused.output.contains("line 6: world"))
      #expect(!refused.output.contains("handed over"))
    }
    try await withFile("name,mobile\nAnn,91230105\nBob,\n") { path in
      let refused = try await sluice("send", "--csv", path, "--text", "Hi")
      #expect(refused.code == 1 && refused.output.contains("line 3: no number"), "\(refused.output)")
    }
    // What is sent after them arrives after them.
    let last = try await sluice("send", "91230106", "--text", "Hi", "--wait")
    #expect(last.code == 0, "\(last.output)")
    #expect(try await stack.mock.arrivals().count == before + 1)
  }

  @Test("A file may be a pipe")
  func pipes() async throws {
    let stack = try SharedStack.current
    let sluice = try BuiltProduct.url("sluice").path
    for script in [
      "'\(sluice)' send --csv <(echo 91230201) --text Hi --wait",
      "echo 91230202 | '\(sluice)' send --csv /dev/stdin --text Hi --wait",
      "echo 91230203 | '\(sluice)' send --csv - --text Hi --wait",
    ] {
      let (code, output) = try await Command(
        path: "/bin/bash", arguments: ["-c", script],
        environment: ["SLUICE_URL": stack.url, "SLUICE_TOKEN": stack.token]
      ).run(within: .seconds(60))
      #expect(code == 0 && output.contains("1 × 1"), "\(script): \(output)")
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
    let tooMany = try await sluice("send", "91239996", "91239997", "91239998", "--text", "Hi", token: secret)
    #expect(tooMany.code == 1 && tooMany.output.contains("3 SMS a day"), "\(tooMany.output)")
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

  // MARK: With a gateway of our own

  /// A gateway that gives these answers, one to each request, and then none.
  private func gateway(_ answers: (status: String, headers: [String], body: String)?...) throws -> RawServer {
    try RawServer { connection in
      guard connection.readRequest() != nil, connection.number <= answers.count else { return }
      // Without an answer the connection breaks.
      guard let answer = answers[connection.number - 1] else { return }
      connection.respond(answer.status, headers: answer.headers + ["Connection: close"], body: answer.body)
    }
  }

  private static let empty = #"{"success":true,"data":{}}"#
  private static let invalid = #"{"error":{"code":"INVALID_FIELD","message":"No",  "details":[]}}"#

  @Test("When a later part fails, what was accepted is named, and how to go on")
  func laterPart() async throws {
    let taken = #"{"success":true, "message_id":"m-1","data":{"total":1,"segments":1,"rate":2.50}}"#
    for last in [("400 Bad Request", [], Self.invalid), nil] as [(status: String, headers: [String], body: String)?] {
      for json in [false, true] {
        let server = try gateway(
          ("200 OK", [], Self.empty), ("200 OK", [], Self.empty), ("202 Accepted", [], taken), last)
        defer { server.stop() }
        try await withFile("91230301\n91230302\n") { path in
          let arguments = ["send", "--csv", path, "--text", "Hi", "--batch", "1", "--patience", "0"]
          let stopped = try await run(arguments + (json ? ["--json"] : []), url: server.url)
          #expect(stopped.code == 2, "\(stopped.output)")
          #expect(stopped.output.contains(json ? taken + "\n" : "m-1  1 × 1"), "\(stopped.output)")
          if json, last != nil { #expect(stopped.output.contains(Self.invalid + "\n"), "\(stopped.output)") }
          let keys = server.requests.compactMap { request in
            request.head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("idempotency-key: cli-") }?
              .dropFirst(17)
          }
          let key = try #require(keys.first).dropLast(2)
          #expect(stopped.output.contains("--idempotency-key \(key)"), "\(stopped.output)")
        }
      }
    }
  }

  @Test("A pause that the gateway asks for is not waited for past the patience")
  func longPause() async throws {
    let server = try gateway(("503 Service Unavailable", ["Retry-After: 600"], "{}"))
    defer { server.stop() }
    let away = try await sluice("send", "91230401", "--text", "Hi", "--patience", "20", url: server.url)
    #expect(away.code == 3 && away.output.contains("--idempotency-key"), "\(away.output)")
    #expect(server.requests.count == 1)
  }

  @Test("Watching goes on over a busy gateway, a limit and a broken connection")
  func watching() async throws {
    let pending = #"{"success":true,"data":{"job_status":"pending","recipient_count":1,"counts":{"pending":1}}}"#
    let done =
      #"{"success":true,"data":{"id":"m-1","job_status":"completed","recipient_count":1,"success_count":1,"counts":{"sent":1}}}"#
    let server = try gateway(
      ("200 OK", [], pending), ("503 Service Unavailable", ["Retry-After: 1"], "{}"), nil,
      ("429 Too Many Requests", ["Retry-After: 1"], "{}"), ("200 OK", [], done), ("200 OK", [], done))
    defer { server.stop() }
    let watched = try await sluice("status", "m-1", "--watch", url: server.url)
    #expect(watched.code == 0 && watched.output.contains("m-1  completed"), "\(watched.output)")
    #expect(server.requests.count == 6)
  }
}
