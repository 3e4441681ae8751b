import ArgumentParser
import JSONHTTP

/// Shows how the gateway does.
struct HealthCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "health", abstract: "Show whether the gateway, its broker and its database work.",
    discussion: "Exit code 3 when it is not healthy.")

  @OptionGroup var options: GatewayOptions

  func run() async throws {
    let answer = try await options.gateway().health()
    if options.json {
      Console.print(answer)
    } else {
      Console.print("\(answer.json.status.string ?? "")  \(answer.json.version.string ?? "")")
      for (name, check) in answer.json.checks.object.sorted(by: { $0.key < $1.key }) {
        Console.print(
          "  \(name): \(check.healthy.bool == false ? "not healthy" : "healthy") \(check.message.string ?? "")")
      }
      if answer.json.sending.string == "stopped" { Console.print("  all sending is stopped") }
    }
    guard answer.status == 200 else { throw ExitCode.unavailable }
  }
}

/// Shows who asks.
struct WhoAmICommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "whoami", abstract: "Show whose token this is, and what they may do.")

  @OptionGroup var options: GatewayOptions

  func run() async throws {
    let answer = try await options.gateway().call("GET", "/api/auth/me")
    if options.json { return Console.print(answer) }
    let me = answer.json.data
    Console.print("\(me.username.string ?? "")\(me.is_admin.bool == true ? " (admin)" : "")  \(me.id.string ?? "")")
    if let limit = me.daily_limit.int {
      Console.print("  \(me.used_today.int.map(String.init) ?? "–") of \(limit) SMS used today")
    }
    if let highest = me.max_class.string { Console.print("  at most \(highest)") }
    let providers = me.providers.array.compactMap(\.string)
    if !providers.isEmpty { Console.print("  providers: \(providers.joined(separator: ", "))") }
  }
}

/// Shows what was done by whom.
struct AuditCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "Show who did what, newest first. For admins.")

  @Option(help: "An action, such as user.update.") var action: String?
  @Option(help: "Who did it, or to whom it was done: an id or a user name.") var user: String?
  @Option(help: "From this time on, such as 2026-12-01T09:00:00+08:00.") var from: String?
  @Option(help: "Until this time.") var to: String?
  @Option(help: "How many, at most 200.") var limit: Int = 20
  @Option(help: "Cursor from the previous page.") var cursor: String?
  @OptionGroup var options: GatewayOptions

  func run() async throws {
    let gateway = try options.gateway()
    var id: String?
    if let user { id = try await gateway.userID(user) }
    let answer = try await gateway.call(
      "GET", "/api/admin/audit",
      query: [
        ("action", action), ("user_id", id), ("from", from), ("to", to), ("limit", "\(limit)"), ("cursor", cursor),
      ])
    if options.json { return Console.print(answer) }
    Console.table(
      ["at", "user", "action", "subject", "outcome", "address"],
      answer.json.data.entries.array.map { row in
        [
          Clock.text(row.at.string), row.username.string ?? "–", row.action.string ?? "",
          row.subject_id.string ?? "", row.outcome.string ?? "", row.address.string ?? "",
        ]
      })
    if let next = answer.json.data.next_cursor.string { Console.note("more: --cursor \(next)") }
  }
}

extension Gateway {
  /// The answer of `/api/health`, with 200 or 503.
  /// - Throws: `ExitCode.unavailable`, after the reason was written.
  func health() async throws -> Answer {
    let answer: Answer
    do {
      answer = try await ask("GET", "/api/health", body: nil, patience: .zero)
    } catch let error as JSONClient.NoAnswer {
      Console.complain("no answer from the gateway: \(error.description)")
      throw ExitCode.unavailable
    }
    guard answer.json.status.string != nil else {
      Console.complain("the answer (\(answer.status)) is not a gateway's")
      throw ExitCode.unavailable
    }
    return answer
  }

  /// Says so while all sending is stopped; nothing when that is not known.
  func noteIfStopped() async {
    let answer = try? await ask("GET", "/api/health", body: nil, patience: .zero)
    if answer?.json.sending.string == "stopped" {
      Console.note("all sending is stopped: what waits goes when an admin resumes it")
    }
  }
}
