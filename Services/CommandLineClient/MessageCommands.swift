import ArgumentParser
import JSONHTTP

/// Shows one message.
struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show how far a message is.",
    discussion: "With --watch until it is final; exit code 2 when not all SMS were sent.")

  @Argument(help: "The message's id.")
  var id: String

  @Flag(name: [.short, .long], help: "Watch it until it is final.")
  var watch = false

  @Flag(help: "List the recipients too.")
  var recipients = false

  @OptionGroup var options: GatewayOptions

  func run() async throws {
    let gateway = try options.gateway()
    if watch {
      do {
        try await Follower(gateway: gateway, isQuiet: options.json).follow([id])
      } catch let code as ExitCode where code == .partly {
        try await show(gateway)
        throw code
      }
    }
    try await show(gateway)
  }

  private func show(_ gateway: Gateway) async throws {
    let patience = watch ? Follower.patience : .zero
    let answer = try await gateway.call("GET", "/api/sms/\(Gateway.escaped(id))", patience: patience)
    if options.json { Console.print(answer) } else { Self.show(answer.json.data) }
    guard recipients else { return }
    let list = try await gateway.call("GET", "/api/sms/\(Gateway.escaped(id))/recipients", patience: patience)
    if options.json { return Console.print(list) }
    Console.table(
      ["number", "status", "provider", "attempts", "sent", "error"],
      list.json.data.recipients.array.map { row in
        [
          row.phone.string ?? "", row.status.string ?? "", row.provider.string ?? "–", "\(row.attempts.int ?? 0)",
          Clock.text(row.sent_at.string), row.error_message.string ?? row.error_code.string ?? "",
        ]
      })
  }

  private static func show(_ message: JSONValue) {
    let paused = message.paused.bool == true ? " (paused)" : ""
    Console.print("\(message.id.string ?? "")  \(message.job_status.string ?? "")\(paused)")
    let counts = message.counts.object.filter { $0.value.int ?? 0 > 0 }.sorted { $0.key < $1.key }
    Console.print("  " + counts.map { "\($0.value.int ?? 0) \($0.key)" }.joined(separator: ", "))
    if let reason = message.waiting_for.string { Console.print("  waits for \(reason)") }
    if let position = message.queue_position.int { Console.print("  \(position) ahead") }
    if let end = message.estimated_complete_at.string {
      Console.print("  starts about \(Clock.text(message.estimated_start_at.string)), done about \(Clock.text(end))")
    }
    if let end = message.completed_at.string { Console.print("  done at \(Clock.text(end))") }
  }
}

/// Lists messages.
struct MessagesCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "messages", abstract: "List your messages, newest first; for admins also everybody's.")

  @Flag(help: "Everybody's. For admins.")
  var all = false

  @Option(help: "Those of this user, an id or a user name. For admins.")
  var user: String?

  @Option(
    help: """
      pending, sending, completed, partial, failed, cancelled, expired or unconfirmed (the API's job_status); or sent, which is the \
      API's status and means completed.
      """)
  var status: String?

  @Option(help: "Your own reference.")
  var reference: String?

  @Option(help: "A recipient's number, or a part of it.")
  var phone: String?

  @Option(help: "How many, at most 200.")
  var limit: Int = 20

  @Option(help: "Cursor from the previous page.")
  var cursor: String?

  @OptionGroup var options: GatewayOptions

  func run() async throws {
    let gateway = try options.gateway()
    var id: String?
    if let user { id = try await gateway.userID(user) }
    let isAdmins = all || id != nil
    let answer = try await gateway.call(
      "GET", isAdmins ? "/api/admin/messages" : "/api/sms",
      query: [
        ("user_id", id),
        status.map(Self.filter) ?? ("job_status", nil), ("reference", reference), ("phone", phone),
        ("limit", "\(limit)"), ("cursor", cursor),
      ])
    if options.json { return Console.print(answer) }
    Console.table(
      isAdmins
        ? ["id", "created", "user", "status", "sent", "of", "class", "reference"]
        : ["id", "created", "status", "sent", "of", "class", "reference"],
      answer.json.data.messages.array.map { row -> [String] in
        let user: [String] = isAdmins ? [row.username.string ?? ""] : []
        let when: [String] = [row.id.string ?? "", Clock.text(row.created_at.string)]
        let state: [String] = [
          row.job_status.string ?? "", "\(row.success_count.int ?? 0)", "\(row.recipient_count.int ?? 0)",
          row["class"].string ?? "", row.reference.string ?? "",
        ]
        return when + user + state
      })
    if let next = answer.json.data.next_cursor.string { Console.note("more: --cursor \(next)") }
  }

  /// The API's parameter for a word: `sent` is the one of its coarse view that is no `job_status`.
  static func filter(_ status: String) -> (String, String?) {
    (status == "sent" ? "status" : "job_status", status)
  }
}

/// A command about one message, and what became of its SMS.
protocol MessageChange: AsyncParsableCommand {
  var id: String { get }
  var options: GatewayOptions { get }
  static var verb: String { get }
}

extension MessageChange {
  func run() async throws {
    let answer = try await options.gateway().call("POST", "/api/sms/\(Gateway.escaped(id))/\(Self.verb)")
    if options.json { return Console.print(answer) }
    if answer.json.status.string == "requested" {
      Console.print("requested: not answered yet, it will be carried out")
      return
    }
    let data = answer.json.data
    if let retried = data.retried.int { return Console.print("\(retried) go again") }
    Console.print(
      "\(data.sent.int ?? 0) sent, \(data.in_flight.int ?? 0) in flight, \(data.cancelled.int ?? 0) cancelled, \(data.other.int ?? 0) other"
    )
  }
}

struct CancelCommand: MessageChange {
  static let configuration = CommandConfiguration(
    commandName: "cancel", abstract: "Cancel a message: what is in flight still goes.")
  static let verb = "cancel"
  @Argument(help: "The message's id.") var id: String
  @OptionGroup var options: GatewayOptions
}

struct PauseCommand: MessageChange {
  static let configuration = CommandConfiguration(commandName: "pause", abstract: "Hold a message back.")
  static let verb = "pause"
  @Argument(help: "The message's id.") var id: String
  @OptionGroup var options: GatewayOptions
}

struct ResumeCommand: MessageChange {
  static let configuration = CommandConfiguration(commandName: "resume", abstract: "Let a message go on.")
  static let verb = "resume"
  @Argument(help: "The message's id.") var id: String
  @OptionGroup var options: GatewayOptions
}

struct RetryFailedCommand: MessageChange {
  static let configuration = CommandConfiguration(
    commandName: "retry-failed", abstract: "Send again what failed, died or expired.")
  static let verb = "retry-failed"
  @Argument(help: "The message's id.") var id: String
  @OptionGroup var options: GatewayOptions
}
