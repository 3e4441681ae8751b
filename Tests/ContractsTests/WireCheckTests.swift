import Contracts
import Testing

@Suite("What goes back to a queue")
struct WireCheckTests {
  private let accepted = """
    {"accepted_at":"2026-11-21T08:15:30.000000Z","at":"2026-11-21T08:15:30.123456Z","class":"bulk","content":"Hi",\
    "encoding":"gsm7","id":"01939b7e-0000-7000-8000-000000000009","message_id":"01939b7e-0000-7000-8000-000000000001",\
    "recipients":["+85291234567"],"segments":1,"type":"message.accepted",\
    "user_id":"01939b7e-0000-7000-8000-000000000002","v":1,"weight":1}
    """

  private func error(_ text: String, _ queue: String) -> String? {
    do {
      try Wire.check(Array(text.utf8), for: queue)
      return nil
    } catch {
      return "\(error)"
    }
  }

  @Test("is a whole message of the contract, else the error names the field")
  func fields() {
    #expect(error(accepted, BrokerNames.submissions) == nil)
    #expect(error("{", BrokerNames.submissions) == "malformed: not JSON")
    #expect(error("{}", BrokerNames.submissions)?.contains(".v is missing") == true)
    #expect(
      error(accepted.replacing("\"content\":\"Hi\",", with: ""), BrokerNames.submissions)
        == "malformed: .content is missing")
    #expect(
      error(accepted.replacing("\"segments\":1", with: "\"segments\":\"1\""), BrokerNames.submissions)
        == "malformed: .segments has the wrong type")
    #expect(
      error(accepted.replacing("\"v\":1", with: "\"v\":3"), BrokerNames.submissions)
        == "unsupported_version: version 3 is not known")
  }

  @Test("is for that queue", arguments: [BrokerNames.outcomes, BrokerNames.log, BrokerNames.poison, "send.hkt", ""])
  func queues(queue: String) {
    #expect(error(accepted, queue) == "wrong_queue: .type message.accepted is not for the queue")
  }

  @Test("is for the provider of that queue")
  func providers() throws {
    let limit = ProviderLimit(count: 2, windowMilliseconds: 1000, pacing: .sliding, version: 1)
    let command = SendCommand(provider: "hkt", attempts: [], notAfter: .now(), limit: limit)
    let bytes = try Wire.encode(Envelope(command))
    try Wire.check(bytes, for: "send.hkt")
    #expect(throws: WireError.self) { try Wire.check(bytes, for: "send.other") }
  }

  @Test("belongs where the topology takes it, and nowhere else", arguments: MessageType.allCases)
  func topology(type: MessageType) {
    let topology = BrokerTopology(providers: ["hkt"])
    // Commands and reports are whatever the log of facts does not carry.
    let exchange =
      type == .messageAccepted
      ? BrokerNames.submit : Self.commands.contains(type) ? BrokerNames.commands : BrokerNames.events
    let key = type == .send ? BrokerNames.send("hkt") : type.rawValue
    let queues = topology.bindings.filter { binding in
      let (pattern, words) = (binding.key.split(separator: "."), key.split(separator: "."))
      guard binding.exchange == exchange, binding.queue != BrokerNames.log else { return false }
      // The exchange of submissions has no keys.
      return exchange == BrokerNames.submit
        || (pattern.count == words.count && zip(pattern, words).allSatisfy { $0 == "*" || $0 == $1 })
    }.map(\.queue)
    for queue in topology.queues.map(\.name) {
      #expect(type.belongs(in: queue) == queues.contains(queue), "\(type.rawValue) in \(queue)")
    }
  }

  private static let commands: Set<MessageType> = [
    .send, .messageCancel, .messagePause, .messageResume, .messageRetryFailed, .unitReplay, .unitSettle, .replayCancel,
    .providerSet, .providerReset, .sendingStop, .sendingGo, .deadLetterReplay, .deadLetterCancel, .deadLetterAbandon,
    .deadLetterSettle, .poisonReturn, .poisonDrop, .attemptOutcome, .sendExpired,
  ]
}
