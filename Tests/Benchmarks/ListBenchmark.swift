import ArgumentParser
import Foundation
import TestSupport

/// How long lists take for a user with very many messages.
struct ListBenchmark: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lists", abstract: "Latency of lists, each page style and filter, of a user with a million messages.",
    discussion: """
      Starts a stack of its own from SLUICE_BUILD_DIR (use .build/release), fills its tables and asks over one connection,
      one request after another. Every tenth message is partial, every third bulk.
      """)

  @Option(help: "Messages of the user that are final.")
  var messages = 1_000_000

  @Option(help: "SMS of each.")
  var recipients = 2

  @Option(help: "SMS that wait besides.")
  var queued = 200_000

  @Option(help: "Flows that they wait in; one is the user's.")
  var flows = 10_000

  @Option(help: "Requests of each kind.")
  var requests = 500

  @Flag(help: "The panel's pages instead of the API's lists.")
  var panel = false

  func run() async throws {
    let options = StackOptions(providers: StackOptions.jsonProviders(["p"], rate: 2))
    try await withStack(options) { stack in
      let user = try await stack.query("SELECT id FROM accounts.users WHERE username = \(stack.adminUser)").first
      guard let user = try user?.decode("id", as: UUID.self) else { throw StackError("there is no admin") }
      let stored = StoredMessages(stack: stack, user: user, recipients: recipients)
      try await stored.addFinal(messages)
      try await stack.kill(.scheduler)
      try await stored.addQueued(0..<queued, flows: flows)
      try await stored.settle()
      try await stack.up()
      try await eventually(within: .seconds(180), "the gateway knows the queue") {
        let status = try await stack.gateway.get("/api/queue/status").json.data
        return (status.queue_depth.int ?? 0) > queued * 9 / 10
      }
      print("\(messages) messages of \(recipients) SMS; \(queued) SMS wait in \(flows) flows\n")
      print("| request | p50 | p99 |\n|---|---|---|")
      let cookie = panel ? try await login(at: stack) : nil
      for kind in panel ? pages : kinds(user) {
        let row = try await RequestLatencies.measure(kind, requests, on: stack, cookie: cookie)
        print("| \(row.name) " + String(format: "| %.2f ms | %.2f ms |", row.p50 * 1000, row.p99 * 1000))
      }
    }
  }

  private func login(at stack: Stack) async throws -> String {
    let answer = try await stack.gateway.post(
      "/api/auth/login", ["username": .string(stack.adminUser), "password": .string(stack.adminPassword)])
    guard let token = answer.json.data.access_token.string else { throw StackError("nobody could log in") }
    return "sluice_session=\(token)"
  }

  private var pages: [RequestKind] {
    let messages = messages
    return [
      "/", "/compose", "/history", "/history?status=partial", "/history?class=bulk", "/history?q=nothing",
      "/history?from=\(Date.now.addingTimeInterval(-30 * 3600).ISO8601Format())", "/account", "/admin/messages",
      "/admin/dead-letter", "/admin/users", "/admin/providers", "/admin/audit",
    ].map { path in RequestKind(name: "`GET \(path)`") { _ in path } } + [
      RequestKind(name: "`GET /history/{id}`") { random in
        "/history/\(StoredMessages.id(stored: Int.random(in: 0..<messages, using: &random)))"
      }
    ]
  }

  private func kinds(_ user: UUID) -> [RequestKind] {
    let fixed = [
      "/api/sms?limit=50", "/api/sms?limit=200", "/api/sms", "/api/sms?page=2000", "/api/sms?page=\(messages / 100)",
      "/api/sms?page=\(messages / 50)", "/api/sms?status=pending", "/api/sms?status=sent", "/api/sms?status=failed",
      "/api/sms?job_status=partial&limit=50", "/api/sms?job_status=partial&page=500", "/api/sms?class=bulk&limit=50",
      "/api/sms?class=bulk", "/api/sms?from=\(time(hours: 30))&to=\(time(hours: 29))",
      "/api/sms?status=sent&class=urgent", "/api/sms?q=Benchmark", "/api/sms?q=nothing",
      "/api/sms/requests", "/api/sms/requests?limit=200", "/api/sms/requests?status=failed",
      "/api/sms/requests?status=pending", "/api/sms/requests?status=dead", "/api/sms/requests?provider=p",
      "/api/sms/requests?provider=none", "/api/admin/messages?limit=50", "/api/admin/messages",
      "/api/admin/messages?status=failed", "/api/admin/messages?status=pending",
      "/api/admin/messages?status=sent&limit=50", "/api/admin/messages?class=urgent&limit=50",
      "/api/admin/messages?user_id=\(user)&start_date=\(time(hours: 30))", "/api/admin/messages?q=nothing",
      "/api/admin/queue", "/api/admin/queue?limit=100",
    ].map { path in RequestKind(name: "`GET \(path)`") { _ in path } }
    let (messages, recipients) = (messages, recipients)
    return fixed + [
      RequestKind(name: "`GET /api/sms?page=…`, any of the first hundred") { random in
        "/api/sms?page=\(Int.random(in: 1...100, using: &random))"
      },
      RequestKind(name: "`GET /api/sms?page=…`, any") { random in
        "/api/sms?page=\(Int.random(in: 1...messages / 50, using: &random))"
      },
      RequestKind(name: "`GET /api/sms?reference=…`") { random in
        "/api/sms?reference=r\(Int.random(in: 0..<messages / 10, using: &random))"
      },
      RequestKind(name: "`GET /api/sms?phone=…`") { random in
        "/api/sms?phone=%2B852\(51_000_000 + Int.random(in: 0..<min(8_000_000, messages * recipients), using: &random))"
      },
    ]
  }

  /// So long ago, within the time over which the messages are spread.
  private func time(hours: Double) -> String {
    Date(timeIntervalSinceNow: -hours * 3600).ISO8601Format()
  }
}
