import ArgumentParser
import Foundation
import JSONHTTP

/// A command that does something with letters.
protocol LetterChange: AsyncParsableCommand {
  var choice: LetterChoice { get }
  var options: GatewayOptions { get }
  static var verb: String { get }
  /// What it did, to people.
  static var done: String { get }
  /// What a body says besides which letters, and why.
  func extra() throws -> [String: JSONValue]
}

extension LetterChange {
  func run() async throws {
    let gateway = try options.gateway()
    var extra = try extra()
    if let id = choice.single {
      extra["reason"] = choice.reason.map { .string($0) }
      let answer = try await gateway.call(
        "POST", "/api/admin/dead-letters/\(Gateway.escaped(id))/\(Self.verb)", body: .object(extra))
      return report(answer)
    }
    let answer = try await gateway.call(
      "POST", "/api/admin/dead-letters/\(Self.verb)", body: try await choice.body(gateway, Self.verb, extra))
    report(answer)
  }

  private func report(_ answer: Gateway.Answer) {
    if options.json { return Console.print(answer) }
    if answer.json.status.string == "requested" {
      return Console.print("requested: not answered yet, it will be carried out")
    }
    let data = answer.json.data
    var text = "\(data["count"].int ?? 0) \(data.dry_run.bool == true ? "would be \(Self.done)" : Self.done)"
    if let segments = data.segments.int { text += ", \(segments) segments" }
    if let end = data.estimated_complete_at.string { text += ", done about \(Clock.text(end))" }
    if let refused = data.refused.int, refused > 0 { text += ", \(refused) refused" }
    Console.print(text)
    if let message = answer.json.message.string, data.dry_run.bool != true { Console.print(message) }
    if let id = data.replay_id.string { Console.note("replay \(id): sluice dead-letters replays \(id)") }
  }
}

struct ReplayLetters: LetterChange {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Send SMS again, through the same queue, or return a broker message to its queue.",
    discussion: """
      sluice dead-letters replay --error-type timeout --from 2026-12-01T09:00:00+08:00 --dry-run
      sluice dead-letters replay 0192… --class normal --reason "the outage is over"
      """)
  static let verb = "replay"
  static let done = "replayed"

  @OptionGroup var choice: LetterChoice

  @Option(name: .customLong("class"), help: "What they go as; by default bulk.")
  var messageClass: MessageOptions.MessageClass?

  @Option(help: "The only provider that they go by.")
  var provider: String?

  @Option(help: ArgumentHelp("What is not sent by then expires.", valueName: "time"))
  var expiresAt: String?

  @Option(help: ArgumentHelp("A broker message, mended: the whole of it, as JSON.", valueName: "file"))
  var body: String?

  @OptionGroup var options: GatewayOptions

  func validate() throws {
    if body != nil, choice.single == nil { throw ValidationError("--body is for one broker message, named by its id") }
  }

  func extra() throws -> [String: JSONValue] {
    var members: [String: JSONValue] = [:]
    members["class"] = messageClass.map { .string($0.rawValue) }
    members["provider"] = provider.map { .string($0) }
    members["expires_at"] = expiresAt.map { .string($0) }
    if let body {
      do {
        members["body"] = .string(try String(contentsOf: URL(filePath: body), encoding: .utf8))
      } catch {
        throw ValidationError("\(body) cannot be read as UTF-8 text")
      }
    }
    return members
  }
}

struct AbandonLetters: LetterChange {
  static let configuration = CommandConfiguration(
    commandName: "abandon", abstract: "Give up dead SMS, or drop a broker message.")
  static let verb = "abandon"
  static let done = "abandoned"

  @OptionGroup var choice: LetterChoice
  @OptionGroup var options: GatewayOptions

  func extra() -> [String: JSONValue] { [:] }
}

struct SettleLetters: LetterChange {
  enum Verdict: String, ExpressibleByArgument, CaseIterable, Sendable { case sent, failed }

  static let configuration = CommandConfiguration(
    commandName: "settle", abstract: "Say of unconfirmed SMS whether they went out.")
  static let verb = "settle"
  static let done = "settled"

  @Option(name: .customLong("as"), help: "What the provider says: sent or failed.")
  var verdict: Verdict

  @OptionGroup var choice: LetterChoice
  @OptionGroup var options: GatewayOptions

  func extra() -> [String: JSONValue] { ["as": .string(verdict.rawValue)] }
}
