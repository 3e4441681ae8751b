import ArgumentParser

/// `sluice`: the HTTP API from a shell.
@main
struct SluiceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sluice", abstract: "Send SMS through a Sluice gateway and see what becomes of them.",
    discussion: """
      Reads SLUICE_URL and SLUICE_TOKEN. With --json every command prints the gateway's own answer.

      Exit codes: 0 done; 1 refused by the gateway; 2 done in part, or not all SMS were sent; 3 the gateway or what it \
      needs is away; 4 the token is missing, does not work or may not do that; 64 the command line is wrong; 130 interrupted.

      `sluice --generate-completion-script bash` (zsh, fish) prints completions.
      """,
    version: "0.1.0",
    subcommands: [
      SendCommand.self, EstimateCommand.self, StatusCommand.self, MessagesCommand.self, QueueCommand.self,
      CancelCommand.self, PauseCommand.self, ResumeCommand.self, RetryFailedCommand.self, ProvidersCommand.self,
      DeadLettersCommand.self, UsersCommand.self, SendingCommand.self, HealthCommand.self, AuditCommand.self,
      LoginCommand.self, WhoAmICommand.self,
    ])
}
