import AMQP
import Contracts
import Testing

@testable import Scheduler

@Suite("Inbox of the leader")
struct InboxTests {
  @Test("One visit takes submissions for 10,000 recipients, or one that has more, and leaves the others")
  func recipients() throws {
    let inbox = Inbox()
    for count in [4_000, 4_000, 4_000, 10_000, 1] { inbox.add(try submission(count)) }
    let sizes = (0..<5).map { _ in
      inbox.take(withCommands: true).submissions.map { (try? $0.content.get().body.recipients.count) ?? 0 }
    }
    #expect(sizes == [[4_000, 4_000], [4_000], [10_000], [1], []])
  }

  @Test("Commands wait while their budget is spent, and keep their order when they are put back")
  func commands() throws {
    let inbox = Inbox()
    let ids = (0..<100).map { _ in EnvelopeID.timeOrdered() }
    for id in ids { inbox.add(try pause(id)) }
    #expect(inbox.take(withCommands: false).isEmpty && inbox.hasCommands)
    let first = inbox.take(withCommands: true).commands
    #expect(first.count == Inbox.commandLimit)
    inbox.putBack(first.dropFirst(2))
    var seen = first.prefix(2).map(id)
    while case let next = inbox.take(withCommands: true).commands, !next.isEmpty { seen += next.map(id) }
    #expect(seen == ids)
  }

  @Test("What cannot be understood is taken with its error, and hides nothing behind it")
  func unreadable() throws {
    let inbox = Inbox()
    inbox.add(AMQPDelivery.stub(queue: BrokerNames.submissions, body: Array("{}".utf8)))
    inbox.add(try submission(1))
    let batch = inbox.take(withCommands: true).submissions
    #expect(batch.count == 2)
    #expect(throws: WireError.self) { try batch[0].content.get() }
    #expect(try batch[1].content.get().body.recipients.count == 1)
  }

  private func submission(_ count: Int) throws -> AMQPDelivery {
    let message = MessageAccepted(
      messageID: .timeOrdered(), userID: .timeOrdered(), messageClass: .normal, content: "Hi",
      recipients: (0..<count).map { "+852\(91_000_000 + $0)" }, segments: 1, encoding: "gsm7", acceptedAt: .now())
    return AMQPDelivery.stub(queue: BrokerNames.submissions, body: try Wire.encode(Envelope(message)))
  }

  private func pause(_ id: EnvelopeID) throws -> AMQPDelivery {
    AMQPDelivery.stub(
      queue: "scheduler.commands",
      body: try Wire.encode(Envelope(MessagePause(target: .message(.timeOrdered())), id: id)))
  }

  private func id(_ received: Inbox.Received<ReceivedCommand>) -> EnvelopeID? {
    guard case .success(.messages(let command, _)) = received.content else { return nil }
    return command.id
  }
}
