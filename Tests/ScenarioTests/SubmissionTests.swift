import Contracts
import Foundation
import TestSupport
import Testing

/// What is accepted is in the scheduler's queue, and what is not there comes there.
@Suite("What was accepted is queued, whatever the broker lacks", .serialized, .stack(.hkt(rate: 20)))
struct SubmissionTests {
  private let hkt = ProviderUnderTest(name: "hkt", count: 20)

  private func management(_ stack: Stack) -> JSONClient { JSONClient(base: stack.managementURL) }

  private func path(_ exchange: String, _ queue: String) -> String {
    "/api/bindings/\(BrokerNames.virtualHost)/e/\(exchange)/q/\(queue)"
  }

  @Test("without the binding of the scheduler's queue nothing is accepted, and nothing of it arrives later")
  func missingBinding() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let path = path(BrokerNames.submit, BrokerNames.submissions)
    let removed = try await management(stack).delete("\(path)/~")
    try #require(removed.status == 204, "\(removed.text)")
    let answer = try await stack.gateway.post(
      "/api/sms", ["recipient": .string(Story.freshNumbers(1)[0]), "content": "nowhere"])
    #expect(answer.status == 503, "\(answer.text)")
    try #require(try await management(stack).post(path, ["routing_key": ""]).status == 201)
    try await story.send()
    _ = try await story.end(at: [hkt], within: .seconds(30))
    let all = try await stack.mock.arrivals()
    #expect(all.count == 1)
  }

  @Test("what only the log knows is queued and sent once within a minute, whoever accepted it")
  func onlyInTheLog() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let number = Story.freshNumbers(1)[0]
    let message = MessageAccepted(
      messageID: .timeOrdered(), userID: .timeOrdered(), messageClass: .normal, content: "found in the log",
      recipients: [number], segments: 1, encoding: "gsm7", acceptedAt: .now())
    let envelope = Envelope(message, id: EnvelopeID(message.messageID.uuid), at: message.acceptedAt)
    // As a gateway of the time before submissions had their own exchange, whose binding is gone.
    for _ in 1...2 {
      try await stack.publish(
        try Wire.encode(envelope), to: BrokerNames.events, key: MessageType.messageAccepted.rawValue,
        messageID: envelope.header.id.description, type: MessageType.messageAccepted.rawValue)
    }
    story.adopt([number])
    try await story.arrived(1, within: .seconds(60))
    let ending = try await story.end(at: [hkt], within: .seconds(30))
    #expect(ending.count(of: "sent") == 1)
  }

  @Test("what only the scheduler knows is told to the read side")
  func onlyInTheQueue() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let number = Story.freshNumbers(1)[0]
    let message = MessageAccepted(
      messageID: .timeOrdered(), userID: .timeOrdered(), messageClass: .normal, content: "its gateway died",
      recipients: [number], segments: 1, encoding: "gsm7", reference: "r1", acceptedAt: .now())
    let envelope = Envelope(message, id: EnvelopeID(message.messageID.uuid), at: message.acceptedAt)
    try await stack.publish(
      try Wire.encode(envelope), to: BrokerNames.submit, key: MessageType.messageAccepted.rawValue,
      messageID: envelope.header.id.description, type: MessageType.messageAccepted.rawValue)
    story.adopt([number])
    try await eventually(within: .seconds(30), "the read side knows the request") {
      let rows = try await stack.query(
        "SELECT reference FROM projection.messages_read WHERE message_id = \(message.messageID.uuid)")
      return try rows.first?.decode("reference", as: String?.self) == "r1"
    }
    _ = try await story.end(at: [hkt], within: .seconds(30))
  }

  @Test("an accepted message is found while the scheduler is away, and goes when it is back")
  func schedulerAway() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    try await stack.kill(.scheduler)
    let sent = try await story.sendBulk(5)
    try await eventually(within: .seconds(5), "found") {
      try await stack.gateway.get("/api/sms/\(sent.id)").status == 200
    }
    try await stack.up()
    _ = try await story.end(at: [hkt], within: .seconds(30))
  }
}
