import Contracts
import Foundation
import TestSupport

/// A broker message that no consumer of its queue can work with; each is different.
struct MalformedMessage: Sendable {
  let queue: String
  let body: [UInt8]

  /// Every queue that a service consumes, and the log.
  static let queues = [
    BrokerNames.submissions, BrokerNames.schedulerCommands, BrokerNames.outcomes, BrokerNames.deadLetterUnits,
    BrokerNames.deadLetterCommands, BrokerNames.send(DeadLetterTests.again.name), BrokerNames.log,
  ]

  init(queue: String, number: Int) {
    self.queue = queue
    // What only the log takes belongs in no queue.
    let types = MessageType.allCases.filter { $0.belongs(in: queue) && $0 != .sendingStop && $0 != .sendingGo }
    let type = types.first ?? .unitChanged
    let head = #""id":"\#(UUID().uuidString.lowercased())","at":"\#(Timestamp.now())","n":\#(number)"#
    body =
      switch number % 6 {
      case 0: Array("{\(head)".utf8)
      case 1: Array(#"{"v":1,\#(head)}"#.utf8)
      case 2: Array(#"{"v":1,"type":"no.such",\#(head)}"#.utf8)
      // A type of this queue without anything that it must have.
      case 3: Array(#"{"v":1,"type":"\#(type.rawValue)",\#(head)}"#.utf8)
      case 4: Array(#"{"v":99,"type":"\#(type.rawValue)",\#(head)}"#.utf8)
      default: [0xFF, 0xFE, 0] + Array("\(number)".utf8)
      }
  }

  func publish(on stack: Stack) async throws {
    if queue == BrokerNames.log {
      try await stack.publish(body, to: BrokerNames.events, key: MessageType.unitChanged.rawValue)
    } else {
      try await stack.publish(body, to: BrokerNames.returning, key: queue)
    }
  }
}

/// A message whose request reached the log whole, and the scheduler torn.
struct DamagedMessage: Sendable {
  let id: MessageID
  let whole: String
  let damaged: String
  /// Mended, but without its recipients.
  let stillWrong: String

  init(of user: StackUser, in story: Story) throws {
    let numbers = Story.freshNumbers(3)
    let accepted = MessageAccepted(
      messageID: .timeOrdered(), userID: user.id, messageClass: .normal, content: "Hello", recipients: numbers,
      segments: 1, encoding: "gsm7", acceptedAt: .now())
    id = accepted.messageID
    whole = String(decoding: try Wire.encode(Envelope(accepted)), as: UTF8.self)
    damaged = String(whole.dropLast(20))
    stillWrong = whole.replacing(#""recipients""#, with: #""recipient""#)
    story.adopt(numbers)
  }

  func publish(on stack: Stack) async throws {
    try await stack.publish(
      Array(whole.utf8), to: "amq.default", key: BrokerNames.log, type: MessageType.messageAccepted.rawValue)
    try await stack.publish(Array(damaged.utf8), to: BrokerNames.returning, key: BrokerNames.submissions)
  }
}
