import ArgumentParser
import Contracts

struct ReplayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Send the SMS of letters again, through the queue and its limits.")

  @OptionGroup var which: SelectionOptions
  @OptionGroup var why: ReasonOption
  @Option(name: .customLong("class"), help: "What they go as: urgent, normal or bulk.")
  var messageClass = MessageClass.bulk
  @Option(help: "The only provider they go by; else whoever may carry their messages.")
  var by: String?
  @Option(help: "What has not been sent by then expires, as 2026-11-21T08:00:00Z; else nothing does.")
  var expiresAt: Timestamp?

  func run() async throws {
    let command = DeadLetterReplay(
      selection: which.selection, messageClass: messageClass, provider: by, expiresAt: expiresAt, actor: why.actor)
    try await RequestConsole.run(.replay(command), dryRun: which.dryRun)
  }
}

struct AbandonCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "abandon", abstract: "Give up the dead SMS of letters: they are failed.")

  @OptionGroup var which: SelectionOptions
  @OptionGroup var why: ReasonOption

  func run() async throws {
    try await RequestConsole.run(
      .abandon(DeadLetterAbandon(selection: which.selection, actor: why.actor)), dryRun: which.dryRun)
  }
}

struct SettleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "settle", abstract: "Say of the unconfirmed SMS of letters whether they went out.")

  @OptionGroup var which: SelectionOptions
  @OptionGroup var why: ReasonOption
  @Option(name: .customLong("as"), help: "What the provider says: sent or failed.")
  var verdict: DeadLetterSettle.Verdict

  func run() async throws {
    let command = DeadLetterSettle(selection: which.selection, verdict: verdict, actor: why.actor)
    try await RequestConsole.run(.settle(command), dryRun: which.dryRun)
  }
}

struct CancelCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel", abstract: "Take back what of a replay has not gone out.")

  @Argument(help: "The id of the replay.")
  var replay: ReplayID
  @OptionGroup var why: ReasonOption

  func run() async throws {
    try await RequestConsole.run(.cancel(DeadLetterCancel(replayID: replay, actor: why.actor)))
  }
}

struct ReturnCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "return", abstract: "Give a poison message back to the queue it came from.")

  @Argument(help: "The id of the poison message.")
  var id: EnvelopeID
  @Option(help: "A file with the mended message, whole; - for standard input. Else it goes as it was.")
  var body: String?
  @OptionGroup var why: ReasonOption

  func run() async throws {
    let body = try MendedBody.read(body)
    try await RequestConsole.run(.return(PoisonReturn(letterID: id, body: body, actor: why.actor)))
  }
}

struct DropCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "drop", abstract: "Give up a poison message.")

  @Argument(help: "The id of the poison message.")
  var id: EnvelopeID
  @OptionGroup var why: ReasonOption

  func run() async throws {
    try await RequestConsole.run(.drop(PoisonDrop(letterID: id, actor: why.actor)))
  }
}
