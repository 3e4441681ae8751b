import ArgumentParser
import JSONHTTP

/// Shows replays.
struct ListReplays: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replays", abstract: "Show replays and what has come of them, newest first.")

  @Argument(help: "One replay's id.")
  var id: String?

  @Option(help: "How many, at most 200.")
  var limit: Int = 20

  @Option(help: "What a list before said comes next.")
  var cursor: String?

  @OptionGroup var options: GatewayOptions

  func run() async throws {
    let gateway = try options.gateway()
    if let id {
      let answer = try await gateway.call("GET", "/api/admin/dead-letters/replays/\(Gateway.escaped(id))")
      return options.json ? Console.print(answer) : Self.table([answer.json.data])
    }
    let answer = try await gateway.call(
      "GET", "/api/admin/dead-letters/replays", query: [("limit", "\(limit)"), ("cursor", cursor)])
    if options.json { return Console.print(answer) }
    Self.table(answer.json.data.replays.array)
    if let next = answer.json.data.next_cursor.string { Console.note("more: --cursor \(next)") }
  }

  private static func table(_ replays: [JSONValue]) {
    Console.table(
      [
        "id", "asked", "by", "count", "state", "pending", "sent", "dead", "unconfirmed", "failed", "expired", "refused",
        "taken back", "reason", "cancelled",
      ],
      replays.map { row in
        let state =
          row.ended_at.string.map { "ended \(Clock.text($0))" }
          ?? (row.cancelled_at.string == nil ? "running" : "cancelled")
        let results = [
          "pending", "sent", "dead", "unconfirmed", "failed", "expired", "refused", "taken_back",
        ].map { "\(row.results[$0].int ?? 0)" }
        return [
          row.id.string ?? "", Clock.text(row.requested_at.string), row.actor.string ?? "", "\(row["count"].int ?? 0)",
          state,
        ] + results + [Line.of(row.reason.string), cancellation(row)]
      })
  }

  /// Who cancelled it, when and why.
  private static func cancellation(_ row: JSONValue) -> String {
    guard let actor = row.cancelled_by.string else { return "–" }
    let reason = row.cancel_reason.string.map { ": " + Line.of($0) } ?? ""
    return "\(Clock.text(row.cancelled_at.string)) by \(actor)\(reason)"
  }
}

/// Takes a replay back.
struct CancelReplay: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel", abstract: "Take back what of a replay has not gone out.")

  @Argument(help: "The replay's id.")
  var id: String

  @Option(help: "Why, for those who read about it later.")
  var reason: String?

  @OptionGroup var options: GatewayOptions

  func run() async throws {
    let answer = try await options.gateway().call(
      "POST", "/api/admin/dead-letters/replays/\(Gateway.escaped(id))/cancel",
      body: .object(reason.map { ["reason": .string($0)] } ?? [:]))
    if options.json { return Console.print(answer) }
    if answer.json.status.string == "requested" {
      return Console.print("requested: not answered yet, it will be carried out")
    }
    let data = answer.json.data
    if data.already.bool == true {
      return Console.print(answer.json.message.string ?? "it was cancelled already; nothing was done")
    }
    Console.print("\(data["count"].int ?? 0) taken back, \(data.in_flight.int ?? 0) still go")
    if let message = answer.json.message.string { Console.print(message) }
  }
}
