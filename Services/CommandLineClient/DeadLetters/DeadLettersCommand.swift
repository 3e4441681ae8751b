import ArgumentParser
import JSONHTTP

/// SMS that need a decision, and broken broker messages, for admins.
struct DeadLettersCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dead-letters", abstract: "Work off dead letters: replay, abandon or settle them. For admins.",
    discussion: """
      A letter is an SMS whose attempts are used up, one of which nobody knows whether it went out, or a broker message that nobody \
      could read (error type poison). Letters are named by their ids, or chosen by filters; what is chosen must be confirmed with \
      --yes, and --dry-run says what would be done.
      """,
    subcommands: [
      ListLetters.self, ShowLetter.self, ReplayLetters.self, AbandonLetters.self, SettleLetters.self,
      ListReplays.self, CancelReplay.self,
    ],
    defaultSubcommand: ListLetters.self)
}

/// Lists letters.
struct ListLetters: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List letters, newest first.")

  @Option(help: "pending, replaying, retried, abandoned or settled.")
  var status: String?

  @OptionGroup var filter: LetterFilterOptions

  @Option(help: "How many, at most 200.")
  var limit: Int = 50

  @Option(help: "What a list before said comes next.")
  var cursor: String?

  @OptionGroup var options: GatewayOptions

  func run() async throws {
    let gateway = try options.gateway()
    let user = try await filter.userID(gateway)
    let answer = try await gateway.call(
      "GET", "/api/admin/dead-letters",
      query: [("status", status)] + filter.parameters(user: user) + [("limit", "\(limit)"), ("cursor", cursor)])
    if options.json { return Console.print(answer) }
    Console.table(
      ["id", "created", "status", "error", "SMS", "number", "user", "provider", "attempts", "replays"],
      answer.json.data.dead_letters.array.map { row in
        [
          row.id.string ?? "", Clock.text(row.created_at.string), row.status.string ?? "", row.error_type.string ?? "",
          row.sms_status.string ?? row.queue.string ?? "–", row.phone.string ?? "–", row.username.string ?? "–",
          row.provider.string ?? "–", row.retry_count.int.map(String.init) ?? "–",
          row.replay_count.int.map(String.init) ?? "–",
        ]
      })
    if let next = answer.json.data.next_cursor.string { Console.note("more: --cursor \(next)") }
  }
}

/// Shows one letter with its whole story.
struct ShowLetter: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show one letter: every attempt, and all that was asked to be done with it.")

  @Argument(help: "The letter's id.")
  var id: String

  @OptionGroup var options: GatewayOptions

  func run() async throws {
    let answer = try await options.gateway().call("GET", "/api/admin/dead-letters/\(Gateway.escaped(id))")
    if options.json { return Console.print(answer) }
    let letter = answer.json.data
    Console.print("\(letter.id.string ?? "")  \(letter.status.string ?? "")  \(letter.error_type.string ?? "")")
    for line in Self.facts(letter) { Console.print("  " + line) }
    if !letter.attempts.array.isEmpty {
      Console.table(
        ["attempt", "provider", "outcome", "status", "error", "ended", "answer"],
        letter.attempts.array.map { row in
          [
            "\(row.attempt.int ?? 0)", row.provider.string ?? "", row.outcome.string ?? "",
            row.status_code.int.map(String.init) ?? "–", row.error_code.string ?? "–",
            Clock.text(row.finished_at.string), Line.of(row.response_data.string),
          ]
        })
    }
    guard !letter.requests.array.isEmpty else { return }
    Console.table(
      ["asked", "for", "by", "result", "reason"],
      letter.requests.array.map { row in
        [
          Clock.text(row.requested_at.string), row.verdict.string.map { "settle as \($0)" } ?? row.kind.string ?? "",
          row.actor.string ?? "", row.result.string ?? "–", Line.of(row.reason.string),
        ]
      })
  }

  private static func facts(_ letter: JSONValue) -> [String] {
    var facts: [String] = []
    if let error = letter.error_message.string { facts.append(Line.of(error)) }
    if let queue = letter.queue.string {
      facts.append("from \(queue), came \(letter.times.int ?? 1) times")
      if let body = letter.body.string { facts.append("\(letter.body_encoding.string ?? ""): \(body)") }
    }
    if let phone = letter.phone.string {
      facts.append("\(phone)  \(Line.of(letter.content.string))")
      facts.append(
        "message \(letter.message_id.string ?? ""), recipient \(letter.recipient_index.int ?? 0), of \(letter.username.string ?? letter.user_id.string ?? "")"
      )
      facts.append(
        "\(letter.sms_status.string ?? ""), \(letter.retry_count.int ?? 0) of \(letter.max_attempts.int ?? 0) attempts, \(letter.replay_count.int ?? 0) replays"
      )
    }
    if let end = letter.closed_at.string {
      facts.append("closed at \(Clock.text(end)): \(letter.close_reason.string ?? "")")
    }
    return facts
  }
}
