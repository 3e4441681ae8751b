import Contracts

/// A command about messages, as it is carried out.
struct MessageCommand: Sendable {
  enum Action: Sendable, Hashable {
    case cancel, pause, resume, retryFailed
  }

  var action: Action
  var header: EnvelopeHeader
  /// The command's own text, to be kept while its message is not known.
  var text: String

  var id: EnvelopeID { header.id }
  var requestID: String? { header.requestID }

  /// - Parameter refusal: Why it was not carried out; `nil` when it was.
  func answer(counts: UnitCounts?, refusal: String? = nil) -> CommandAnswered {
    CommandAnswered(
      commandID: id, command: header.type, result: refusal == nil ? .done : .refused, reason: refusal,
      counts: refusal == nil ? counts : nil)
  }
}

/// One delivery on the scheduler's queue of commands.
enum ReceivedCommand: Sendable {
  case messages(MessageCommand, CommandTarget)
  case provider(ProviderSet, EnvelopeHeader)
  case reset(ProviderReset, EnvelopeHeader)
  case sending(isOn: Bool, EnvelopeHeader)
  case replay(UnitReplay, EnvelopeHeader)
  case cancelReplay(ReplayID, EnvelopeHeader)
  case settle(UnitSettle, EnvelopeHeader)

  /// - Throws: `WireError` when it is no command.
  init(_ body: [UInt8]) throws {
    let header = try Wire.header(of: body)
    func messages(_ action: MessageCommand.Action, _ target: CommandTarget) -> ReceivedCommand {
      .messages(MessageCommand(action: action, header: header, text: String(decoding: body, as: UTF8.self)), target)
    }
    switch header.type {
    case .messageCancel: self = messages(.cancel, try Wire.decode(MessageCancel.self, from: body).body.target)
    case .messagePause: self = messages(.pause, try Wire.decode(MessagePause.self, from: body).body.target)
    case .messageResume: self = messages(.resume, try Wire.decode(MessageResume.self, from: body).body.target)
    case .messageRetryFailed:
      self = messages(.retryFailed, .message(try Wire.decode(MessageRetryFailed.self, from: body).body.messageID))
    case .providerSet: self = .provider(try Wire.decode(ProviderSet.self, from: body).body, header)
    case .providerReset: self = .reset(try Wire.decode(ProviderReset.self, from: body).body, header)
    case .sendingStop: self = .sending(isOn: false, header)
    case .sendingGo: self = .sending(isOn: true, header)
    case .unitReplay: self = .replay(try Wire.decode(UnitReplay.self, from: body).body, header)
    case .unitSettle: self = .settle(try Wire.decode(UnitSettle.self, from: body).body, header)
    case .replayCancel: self = .cancelReplay(try Wire.decode(ReplayCancel.self, from: body).body.replayID, header)
    case .messageAccepted, .messageQueued, .messageCancelled, .messagePaused, .messageResumed, .messageExpired,
      .messageFinished, .unitDispatched, .unitChanged, .unitDead, .letterOpened, .letterClosed, .letterFinished,
      .providerChanged, .queueChanged, .ledgerMarked, .ledgerCounted, .userChanged, .commandAnswered, .send,
      .deadLetterReplay, .deadLetterCancel, .deadLetterAbandon,
      .deadLetterSettle, .poisonReturn, .poisonDrop, .attemptOutcome, .sendExpired:
      throw WireError(code: .unexpectedType, message: "\(header.type.rawValue) is no command to the scheduler")
    }
  }
}
