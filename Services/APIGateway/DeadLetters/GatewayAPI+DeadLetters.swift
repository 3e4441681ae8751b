import Hummingbird

extension GatewayAPI {
  /// What shows dead letters, and does something with them.
  func deadLetters(_ authenticator: Authenticator) -> [Route] {
    let accounts = AccountStore(pool: store.pool)
    let commands = LetterCommands(
      bus: CommandBus(publisher: publisher, answers: answers, limiter: authenticator.limiter),
      reads: DeadLetterReads(pool: store.pool), queue: queue,
      weights: UserWeights(directory: directory, store: accounts))
    return DeadLettersController(
      authenticator: authenticator, reads: commands.reads,
      usernames: UsernameLookup(directory: directory, store: accounts)
    ).routes
      + BulkLettersController(
        authenticator: authenticator, reader: reader, providers: providers, commands: commands
      ).routes
      + LetterActionsController(
        authenticator: authenticator, reader: reader, providers: providers, commands: commands
      ).routes
      + ReplaysController(authenticator: authenticator, reader: reader, commands: commands).routes
  }
}
