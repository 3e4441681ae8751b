import Contracts
import Foundation
import TestSupport
import Testing

/// Broker messages that nobody can work with.
extension DeadLetterTests {
  private var each: Int { Length.choose(100, long: 1_000) }

  @Test("on every queue: all are listed, traffic does not feel it, what is mended is sent, the rest dropped")
  func everyQueue() async throws {
    let stack = try SharedStack.current
    let users = try await stack.makeUsers(["damaged", "usual"])
    let story = try await Story.begin(on: stack)
    let since = LetterQuery(["error_type": "poison", "from": Timestamp.now().description])
    let usual = try await sentTimes(of: try await singles(20, of: users[1], in: story), of: users[1])

    let damaged = try await (0..<5).asyncMap { _ in try DamagedMessage(of: users[0], in: story) }
    async let duringPoison = singles(Length.choose(50, long: 300), of: users[1], in: story)
    for message in damaged { try await message.publish(on: stack) }
    let queues = MalformedMessage.queues
    for queue in queues {
      _ = try await (0..<each).concurrentMap(width: 4) { number in
        try await MalformedMessage(queue: queue, number: number).publish(on: stack)
      }
    }
    let total = queues.count * each + damaged.count
    var letters: [JSONValue] = []
    try await eventually(within: .seconds(Length.choose(30, long: 120)), "\(total) poison letters") {
      letters = try await stack.letters(since)
      return letters.count >= total
    }
    #expect(letters.count == total)
    #expect(letters.allSatisfy { $0.status.string == "pending" && $0.times.int == 1 && $0.phone.isNull })
    let counts = Dictionary(grouping: letters) { $0.queue.string ?? "" }.mapValues(\.count)
    for queue in queues {
      let expected = each + (queue == BrokerNames.submissions ? damaged.count : 0)
      #expect(counts[queue] == expected, "\(queue)")
    }
    let times = try await sentTimes(of: try await duringPoison, of: users[1])
    #expect(
      times.max() ?? 99 < max(1, 3 * (usual.max() ?? 0)), "\(times.sorted().suffix(5)), usually \(usual.max() ?? 0)")

    try await mend(damaged, among: letters, of: users[0], on: stack)
    try await giveBackAndDrop(letters, on: stack)
    let ending = try await story.end(at: [Self.maker, Self.again], within: .seconds(30))
    #expect(ending.count(of: "sent") == ending.accepted.count, "the mended ones as well")
  }

  /// Sends one every 100 ms.
  private func singles(_ count: Int, of user: StackUser, in story: Story) async throws -> [String] {
    var numbers: [String] = []
    for _ in 0..<count {
      numbers.append(try await story.send(as: user))
      try await story.pass(.milliseconds(100))
    }
    return numbers
  }

  /// Seconds from the acceptance of each to its SMS, once all are sent.
  private func sentTimes(of numbers: [String], of user: StackUser) async throws -> [Double] {
    var times: [Double] = []
    let wanted = Set(numbers)
    try await eventually(within: .seconds(10), "the singles are sent") {
      let rows = try await SharedStack.current.query(
        """
        SELECT extract(epoch FROM r.sent_at - m.accepted_at)::double precision AS took
        FROM projection.recipients r JOIN projection.messages m USING (message_id)
        WHERE r.phone = ANY (\(Array(wanted))) AND r.state = 'sent'
        """)
      times = try rows.map { try $0.decode("took") }
      return times.count == wanted.count
    }
    return times
  }

  /// A body that is still wrong is refused with the field's name; the whole one is sent.
  private func mend(
    _ damaged: [DamagedMessage], among letters: [JSONValue], of user: StackUser, on stack: Stack
  ) async throws {
    let details = try await letters.filter { $0.queue.string == BrokerNames.submissions }
      .concurrentMap(width: 4) { letter in
        try await stack.gateway.get("\(Stack.letters)/\(letter.id.string ?? "")").json.data
      }
    for message in damaged {
      let letter = try #require(details.first { $0["body"].string == message.damaged })
      let path = "\(letter.id.string ?? "")/replay"
      let wrong = try await stack.gateway.post("\(Stack.letters)/\(path)", ["body": .string(message.stillWrong)])
      #expect(wrong.status == 400 && wrong.json.error.details[0].field.string == "body", "\(wrong.text)")
      #expect(wrong.text.contains("recipients"), "names the field: \(wrong.text)")
      let mended = try await stack.letterCommand(path, ["body": .string(message.whole), "reason": "a tear"])
      #expect(mended["count"].int == 1 && mended.status.string == "retried", "\(mended)")
      let twice = try await stack.letterCommand(path, ["body": .string(message.whole)])
      #expect(twice["count"].int == 0 && twice.already.bool == true, "\(twice)")
    }
    for message in damaged {
      try await eventually(within: .seconds(10), "what was mended is sent") {
        try await user.gateway.get("/api/sms/\(message.id)").json.data.job_status.string == "completed"
      }
    }
  }

  /// What goes back as it is comes again, as the same letter; what is dropped stays away.
  private func giveBackAndDrop(_ letters: [JSONValue], on stack: Stack) async throws {
    let byQueue = Dictionary(grouping: letters) { $0.queue.string ?? "" }
    let fromLog = try #require(byQueue[BrokerNames.log]?.first?.id.string)
    let refused = try await stack.gateway.post("\(Stack.letters)/\(fromLog)/replay")
    #expect(refused.status == 409, "a log takes nothing back: \(refused.text)")
    for queue in MalformedMessage.queues where queue != BrokerNames.log {
      // The newest of each is none of the damaged ones, which came first.
      let (back, gone) = (try #require(byQueue[queue]?[0].id.string), try #require(byQueue[queue]?[1].id.string))
      try await stack.letterCommand("\(back)/replay")
      let dropped = try await stack.letterCommand("\(gone)/abandon")
      #expect(dropped.status.string == "abandoned", "\(dropped)")
      let again = try await stack.letterCommand("\(gone)/abandon")
      #expect(again.already.bool == true, "\(again)")
      try await eventually(within: .seconds(10), "\(queue): it is poison again") {
        let letter = try await stack.gateway.get("\(Stack.letters)/\(back)").json.data
        return letter.status.string == "pending" && letter.times.int == 2
      }
    }
  }
}
