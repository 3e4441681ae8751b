import Contracts
import Metering

/// What the routes that change letters have in common: commands to the dead-letter service, and forecasts of replays.
struct LetterCommands: Sendable {
  let bus: CommandBus
  let reads: DeadLetterReads
  let queue: QueueView
  let weights: UserWeights

  /// - Returns: `nil` when nobody has answered in time.
  func send(_ command: any Payload, _ context: GatewayContext) async throws -> CommandAnswered? {
    try await send(opening: command, context)
  }

  private func send<Body: Payload>(opening command: Body, _ context: GatewayContext) async throws -> CommandAnswered? {
    try await bus.send(command, context)
  }

  /// A forecast for what is selected now, with the queue as it is before any of it waits.
  func outlook(_ selection: LetterSelection, _ action: LetterAction, _ options: ReplayOptions) async throws
    -> ReplayOutlook
  {
    let snapshot = queue.snapshot
    let groups = try await reads.preview(selection, ofUnits: action.unitState(of: selection))
    let isReplay = action == .replay
    let weights = isReplay ? try await weights.weights(of: Set(groups.map(\.userID))) : [:]
    return ReplayOutlook(
      forecast: ReplayForecast(
        groups: groups, messageClass: options.messageClass ?? .bulk, provider: options.provider, weights: weights),
      queue: isReplay ? snapshot : QueueSnapshot())
  }
}

/// A forecast, and the queue that it is for.
struct ReplayOutlook: Sendable {
  var forecast: ReplayForecast
  var queue: QueueSnapshot
  /// When it was made: what is replayed may be on its way before that is known here.
  var madeAt = Timestamp.now()

  var letters: Int { forecast.groups.reduce(0) { $0 + $1.letters } }
  var segments: Int { forecast.groups.reduce(0) { $0 + $1.segments } }

  /// When the last SMS goes out; `nil` where nobody knows.
  /// - Parameter applied: How many letters go in the end.
  func completion(of applied: Int? = nil) -> Timestamp? {
    forecast.completion(in: queue, letters: applied, now: madeAt)
  }
}

extension LetterActor {
  init(_ principal: Principal, reason: String?) {
    self.init(userID: principal.userID, name: principal.username, reason: reason)
  }
}
