import ArgumentParser
import JSONHTTP

/// Shows the queue.
struct QueueCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue", abstract: "Show the queue: how long it is, how fast it goes, and what is yours.")

  @Flag(help: "By flow: who is ahead, and why. For admins.")
  var flows = false

  @OptionGroup var options: GatewayOptions

  func run() async throws {
    let gateway = try options.gateway()
    if flows { return try await showFlows(gateway) }
    let answer = try await gateway.call("GET", "/api/queue/status")
    if options.json { return Console.print(answer) }
    await gateway.noteIfStopped()
    let queue = answer.json.data
    let rate = queue.msgs_per_sec.double ?? 0
    Console.print(
      "\(queue.queue_depth.int ?? 0) SMS wait, \(rate.formatted()) a second, empty in \(Clock.span(queue.estimated_drain_seconds.double))"
    )
    let yours = queue.your_messages
    Console.print(
      "yours: \(yours.pending.int ?? 0) messages pending, \(yours.sending.int ?? 0) sending, done about \(Clock.text(yours.estimated_complete_at.string))"
    )
    Console.table(
      ["provider", "state", "rate", "effective", "in flight"],
      queue.providers.array.map { row in
        [
          row.id.string ?? "", row.state.string ?? "–", (row.rate.double ?? 0).formatted(),
          (row.effective_rate.double ?? 0).formatted(), "\(row.in_flight.int ?? 0)",
        ]
      })
  }

  private func showFlows(_ gateway: Gateway) async throws {
    let answer = try await gateway.call("GET", "/api/admin/queue")
    if options.json { return Console.print(answer) }
    Console.table(
      ["class", "user", "provider", "backlog", "next at", "share", "done about"],
      answer.json.data.flows.array.map { row in
        [
          row["class"].string ?? "", row.username.string ?? row.user_id.string ?? "",
          row.providers.array.isEmpty ? "any" : row.providers.array.compactMap(\.string).joined(separator: ", "),
          "\(row.backlog.int ?? 0)", row.queue_position.int.map(String.init) ?? "–",
          row.share.double.map { "\(Int(($0 * 100).rounded())) %" } ?? "–",
          Clock.text(row.estimated_complete_at.string),
        ]
      })
  }
}
