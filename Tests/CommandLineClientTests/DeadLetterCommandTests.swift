import ArgumentParser
import Foundation
import JSONHTTP
import TestSupport
import Testing

@testable import CommandLineClient

@Suite("Dead letters from a shell")
struct DeadLetterCommandTests {
  private static let id = "01920000-0000-7000-8000-000000000001"
  private static let other = "01920000-0000-7000-8000-000000000002"

  /// Runs the program against a gateway that gives this answer to every request.
  private func sluice(
    _ arguments: [String], answer: String, status: String = "200 OK"
  ) async throws -> (code: Int32, output: String, requests: [RawServer.Request]) {
    let server = try RawServer { connection in
      guard connection.readRequest() != nil else { return }
      connection.respond(status, headers: ["Connection: close"], body: answer)
    }
    defer { server.stop() }
    let (code, output) = try await Command(
      path: try BuiltProduct.url("sluice").path, arguments: ["dead-letters"] + arguments,
      environment: ["SLUICE_URL": server.url, "SLUICE_TOKEN": "t", "TZ": "Asia/Hong_Kong"]
    ).run(within: .seconds(60))
    return (code, output, server.requests)
  }

  private func line(_ request: RawServer.Request?) -> String {
    request?.head.split(separator: "\r\n").first.map { String($0.dropLast(" HTTP/1.1".count)) } ?? ""
  }

  private func body(_ request: RawServer.Request?) throws -> JSONValue {
    try JSONDecoder().decode(JSONValue.self, from: Data((request?.body ?? "").utf8))
  }

  @Test(
    "Without ids a change needs a filter and a confirmation",
    arguments: [
      ["replay"], ["replay", "--error-type", "timeout"], ["abandon", "--all"], ["abandon", id, "--user", "ann"],
      ["replay", "--all", "--user", "ann", "--yes"], ["settle", id], ["settle", id, "--as", "lost"],
      ["replay", id, other, "--body", "x"], ["abandon", id, "--class", "bulk"],
    ])
  func refused(_ arguments: [String]) async throws {
    let run = try await sluice(arguments, answer: "{}")
    #expect(run.code == 64, "\(run.output)")
    #expect(run.requests.isEmpty)
  }

  @Test("The list and one letter are shown as tables, and the filters are the API's")
  func shown() async throws {
    let letter = """
      {"id": "\(Self.id)", "created_at": "2026-01-02T03:04:05.000Z", "status": "pending", "error_type": "timeout",
       "sms_status": "dead", "phone": "+85291234567", "username": "ann", "provider": "hkt", "retry_count": 5,
       "max_attempts": 5, "replay_count": 1, "content": "Hello\\nyou", "message_id": "m-1", "recipient_index": 3,
       "error_message": "no answer", "attempts": [{"attempt": 1, "provider": "hkt", "outcome": "unknown",
       "finished_at": "2026-01-02T03:04:05.000Z", "response_data": "busy", "status_code": 503}],
       "requests": [{"kind": "settle", "verdict": "sent", "actor": "root", "reason": "log", "result": "refused:x",
       "requested_at": "2026-01-02T03:04:05.000Z"}]}
      """
    let list = try await sluice(
      [
        "--status", "pending", "--error-type", "timeout", "--last-provider", "hkt", "--user", Self.id, "--message", "m",
        "--from", "a b", "--limit", "5",
      ], answer: #"{"success": true, "data": {"dead_letters": [\#(letter)], "next_cursor": "c-1"}}"#)
    #expect(list.code == 0, "\(list.output)")
    #expect(
      line(list.requests.first)
        == "GET /api/admin/dead-letters?status=pending&error_type=timeout&provider=hkt&user_id=\(Self.id)&message_id=m&from=a%20b&limit=5"
    )
    for text in [Self.id, "2026-01-02 11:04", "timeout", "dead", "+85291234567", "ann", "--cursor c-1"] {
      #expect(list.output.contains(text), "\(text): \(list.output)")
    }
    let one = try await sluice(["show", Self.id], answer: #"{"success": true, "data": \#(letter)}"#)
    for text in [
      "Hello you", "message m-1, recipient 3, of ann", "5 of 5 attempts, 1 replays", "503", "busy",
      "settle as sent", "refused:x", "log",
    ] {
      #expect(one.output.contains(text), "\(text): \(one.output)")
    }
    let raw = try await sluice(["show", Self.id, "--json"], answer: #"{"success": true, "data":  1}"#)
    #expect(raw.output == "{\"success\": true, \"data\":  1}\n")
  }

  @Test("One id is asked by itself, several and filters together")
  func requests() async throws {
    let one = try await sluice(
      [
        "replay", Self.id, "--class", "normal", "--provider", "hkt", "--expires-at", "2030-01-01T00:00:00Z", "--reason",
        "again",
      ],
      answer: """
        {"success": true, "data": {"count": 1, "already": false, "replay_id": "r-1", "estimated_complete_at": "2026-01-02T03:04:05.000Z"}}
        """)
    #expect(one.code == 0 && one.output.contains("1 replayed, done about 2026-01-02 11:04"), "\(one.output)")
    #expect(one.output.contains("replay r-1"))
    #expect(line(one.requests.first) == "POST /api/admin/dead-letters/\(Self.id)/replay")
    #expect(
      try body(one.requests.first) == [
        "class": "normal", "provider": "hkt", "expires_at": "2030-01-01T00:00:00Z", "reason": "again",
      ])
    let many = try await sluice(
      ["settle", Self.id, Self.other, "--as", "sent", "--limit", "1"],
      answer: #"{"success": true, "data": {"count": 1, "refused": 1}, "message": "There was nothing to do"}"#)
    #expect(many.output.contains("1 settled, 1 refused\nThere was nothing to do"), "\(many.output)")
    #expect(line(many.requests.first) == "POST /api/admin/dead-letters/settle")
    #expect(
      try body(many.requests.first) == ["as": "sent", "ids": [.string(Self.id), .string(Self.other)], "limit": 1])
    let dry = try await sluice(
      ["abandon", "--error-type", "timeout", "--to", "2026-01-01T00:00:00Z", "--dry-run"],
      answer: #"{"success": true, "data": {"count": 12, "segments": 24, "dry_run": true}, "message": "x"}"#)
    #expect(dry.output == "12 would be abandoned, 24 segments\n", "\(dry.output)")
    #expect(
      try body(dry.requests.first) == [
        "filter": ["error_type": "timeout", "to": "2026-01-01T00:00:00Z"], "dry_run": true,
      ])
    let all = try await sluice(["replay", "--all", "--yes"], answer: "{\"success\": true, \"status\": \"requested\"}")
    #expect(all.code == 0 && all.output.hasPrefix("requested"))
    #expect(try body(all.requests.first) == ["filter": [:], "all": true])
    let conflict = try await sluice(
      ["abandon", Self.id], answer: #"{"error": {"code": "CONFLICT", "message": "Settle it"}}"#, status: "409 Conflict")
    #expect(conflict.code == 1 && conflict.output.contains("Settle it (CONFLICT)"))
  }

  @Test("A mended broker message is read from a file")
  func mended() async throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString).json")
    try Data("{\"v\": 1}\n".utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }  // in the folder for temporary files
    let run = try await sluice(
      ["replay", Self.id, "--body", file.path], answer: #"{"success": true, "data": {"count": 1}}"#)
    #expect(run.code == 0, "\(run.output)")
    #expect(try body(run.requests.first) == ["body": "{\"v\": 1}\n"])
    let missing = try await sluice(["replay", Self.id, "--body", file.path + "x"], answer: "{}")
    #expect(missing.code == 64 && missing.requests.isEmpty, "\(missing.output)")
  }

  @Test("Replays are listed and taken back")
  func replays() async throws {
    let replay = """
      {"id": "\(Self.id)", "actor": "root", "count": 9, "requested_at": "2026-01-02T03:04:05.000Z", "reason": "the outage is over",
       "cancelled_at": "2026-01-02T03:05:05.000Z", "cancelled_by": "ann", "cancel_reason": "too early",
       "ended_at": null, "results": {"pending": 4, "sent": 5}}
      """
    let list = try await sluice(
      ["replays"], answer: #"{"success": true, "data": {"replays": [\#(replay)], "next_cursor": null}}"#)
    #expect(line(list.requests.first) == "GET /api/admin/dead-letters/replays?limit=20")
    #expect(list.output.contains(" by ann: too early") && list.output.contains("the outage is over"), "\(list.output)")
    #expect(list.output.contains("cancelled") && list.output.contains(Self.id), "\(list.output)")
    let one = try await sluice(["replays", Self.id], answer: #"{"success": true, "data": \#(replay)}"#)
    #expect(line(one.requests.first) == "GET /api/admin/dead-letters/replays/\(Self.id)")
    #expect(one.output.contains(" by ann: too early"))
    let cancelled = try await sluice(
      ["cancel", Self.id, "--reason", "oops"],
      answer: #"{"success": true, "data": {"count": 4, "in_flight": 1, "already": false}}"#)
    #expect(cancelled.output == "4 taken back, 1 still go\n", "\(cancelled.output)")
    #expect(line(cancelled.requests.first) == "POST /api/admin/dead-letters/replays/\(Self.id)/cancel")
    #expect(try body(cancelled.requests.first) == ["reason": "oops"])
    let again = try await sluice(
      ["cancel", Self.id],
      answer:
        #"{"success": true, "message": "It was cancelled already, by ann", "data": {"count": 0, "already": true}}"#)
    #expect(again.output == "It was cancelled already, by ann\n", "\(again.output)")
  }
}
