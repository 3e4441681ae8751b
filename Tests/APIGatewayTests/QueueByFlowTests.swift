import Contracts
import Foundation
import Metering
import Testing

@testable import APIGateway

@Suite("Queue by flow")
struct QueueByFlowTests {
  private let bob = UserID.timeOrdered()

  /// Two users of one class, one with twice the weight, and bulk of the first.
  private func heads(_ ann: UserID) -> QueueChanged {
    func flow(_ id: Int64, _ messageClass: MessageClass, _ user: UserID, tag: Int64, step: Int64, _ backlog: Int)
      -> FlowHead
    {
      FlowHead(
        flowID: id, messageClass: messageClass, userID: user, provider: nil, tag: tag, step: step, backlog: backlog,
        headNumber: 0)
    }
    return QueueChanged(
      asOf: .now(), isComplete: true, epoch: 1, virtualTime: 0,
      classes: [
        ClassHead(messageClass: .normal, tag: 0, backlog: 30, virtualTime: 0),
        ClassHead(messageClass: .bulk, tag: 0, backlog: 5, virtualTime: 0),
      ],
      flows: [
        flow(1, .normal, ann, tag: 1 << 22, step: 1 << 23, 10), flow(2, .normal, bob, tag: 0, step: 1 << 24, 20),
        flow(3, .bulk, ann, tag: 0, step: 1 << 24, 5),
      ],
      providers: [ProviderPace(provider: "hkt", effectiveRate: 2, nominalRate: 2, state: "healthy", inFlight: 0)],
      globalRate: nil, isSending: true)
  }

  @Test("An admin sees who is ahead, with what share and until when; the database is not needed")
  func shape() async throws {
    try await GatewayFixture.run { gateway in
      #expect(try await gateway.admin("GET", "/api/admin/queue").status == 503, "before the heads nothing is known")
      gateway.queue.apply(heads(gateway.user.userID))
      let answer = try await gateway.admin("GET", "/api/admin/queue")
      #expect(answer.status == 200, "\(answer.body)")
      #expect(answer.string("data.sending") == "running")
      #expect(answer.number("data.queue_depth") == 35)
      #expect(answer.number("data.total_flows") == 3)
      #expect(answer.string("data.classes.1.class") == "normal")
      #expect(answer.number("data.classes.1.weight") == 4)
      #expect(answer.number("data.classes.1.backlog") == 30)
      #expect(answer.number("data.classes.1.share") == 0.8)
      #expect(answer.number("data.classes.0.share") == 0)
      // Bob is ahead by his tag, Ann has two thirds of the class.
      #expect(answer.string("data.flows.0.user_id") == bob.description)
      #expect(answer["data.flows.0.username"] == .null)
      #expect(answer.number("data.flows.0.queue_position") == 0)
      #expect(answer.number("data.flows.0.share") == 0.267)
      #expect(answer["data.flows.0.provider"] == .null)
      #expect(answer.string("data.flows.1.username") == "ann" || answer.string("data.flows.2.username") == "ann")
      let ann = try await gateway.admin("GET", "/api/admin/queue?user_id=\(gateway.user.userID)&class=normal")
      #expect(ann.list("data.flows")?.count == 1)
      #expect(ann.string("data.flows.0.username") == "ann")
      #expect(ann.number("data.flows.0.weight") == 2)
      #expect(ann.number("data.flows.0.backlog") == 10)
      #expect(ann.number("data.flows.0.next_tag") == Double(1 << 22))
      #expect(ann.number("data.flows.0.share") == 0.533)
      #expect(ann.string("data.flows.0.estimated_complete_at") != nil)
      #expect(try await gateway.admin("GET", "/api/admin/queue?limit=1").list("data.flows")?.count == 1)
    }
  }

  @Test("It is for admins, and names what it does not know")
  func refusals() async throws {
    try await GatewayFixture.run { gateway in
      let foreign = try await gateway.get("/api/admin/queue")
      #expect(foreign.status == 403)
      for query in ["limit=0", "limit=101", "user_id=x", "class=slow", "page=1"] {
        #expect(try await gateway.admin("GET", "/api/admin/queue?\(query)").status == 400, "\(query)")
      }
    }
  }

  @Test("Of 10,000 flows the first are found in one pass, in order")
  func many() {
    var snapshot = QueueSnapshot()
    var heads = heads(.timeOrdered())
    heads.flows = (0..<10_000).map { number in
      FlowHead(
        flowID: Int64(number), messageClass: .normal, userID: .timeOrdered(), provider: nil,
        tag: Int64((number * 7919) % 10_000) << 10, step: 1 << 24, backlog: 100, headNumber: 0)
    }
    snapshot.apply(heads)
    let flows = QueueByFlow(snapshot, user: nil, messageClass: nil, limit: 50, now: .now())
    let text = JSONWriter.object { json in flows.write(&json, names: [:], ages: [:]) }
    let answer = RawHTTP.Answer(status: 200, headers: [:], body: String(decoding: text, as: UTF8.self))
    #expect((0..<50).map { answer.number("flows.\($0).queue_position") ?? -1 } == (0..<50).map { Double($0) })
  }
}
