import Foundation
import NIOConcurrencyHelpers
import TestSupport
import Testing

/// SIGTERM under load, at a provider that takes 0.4 s for an answer: what is in flight is finished.
@Suite("Asked to stop, every service finishes what it has begun", .serialized, .stack(.hkt(rate: 20)))
struct PoliteStopTests {
  private let hkt = ProviderUnderTest(name: "hkt", count: 20)

  private func begin(_ stack: Stack) async throws -> Story {
    let story = try await Story.begin(on: stack)
    try await stack.mock.behave("hkt", ["latency_ms": 400])
    return story
  }

  /// Stops a replica that has work, and expects it to end well.
  private func expectCleanStop(
    _ stack: Stack, _ service: StackProcess, instance: String, _ replica: ProcessID
  ) async throws {
    let code = try await stack.stop(replica, of: service, instance: instance)
    #expect(code == 0, "\(service)")
    expectCleanLog(try stack.log(of: service, instance: instance), service)
  }

  private func expectCleanLog(_ log: String, _ service: StackProcess) {
    for words in ["finished unexpectedly", "Already closed", "a service failed"] {
      #expect(!log.contains(words), "\(service): \(log.suffix(2_000))")
    }
  }

  private func arrivals(_ stack: Stack) async throws -> Int {
    try await stack.mock.statistics(of: "hkt").arrivals.int ?? 0
  }

  @Test("a sender that is stopped four times at 20/s leaves nothing unconfirmed and sends nothing twice")
  func sender() async throws {
    let stack = try SharedStack.current
    let story = try await begin(stack)
    try await story.sendBulk(160)
    var last = try stack.pid(of: .sender)
    for round in 1...4 {
      let next = try await stack.startReplica(of: .sender, instance: "polite\(round)", like: last)
      try await story.arrived(try await arrivals(stack) + 20)
      if round == 1 {
        try await stack.kill(.sender, SIGTERM)
      } else {
        try await expectCleanStop(stack, .sender, instance: "polite\(round - 1)", last)
      }
      last = next
    }
    try await expectCleanStop(stack, .sender, instance: "polite4", last)
    try await stack.up()
    let ending = try await story.end(at: [hkt], within: .seconds(60))
    #expect(ending.count(of: "sent") == 160)
    expectCleanLog(try stack.log(of: .sender), .sender)
  }

  @Test("scheduler, projector and dead-letter are stopped while they lead, and sending goes on")
  func leaders() async throws {
    let stack = try SharedStack.current
    let story = try await begin(stack)
    try await story.sendBulk(200)
    for service in [StackProcess.scheduler, .projector, .deadLetter] {
      let before = try await arrivals(stack)
      let second = try await stack.startReplica(of: service, instance: "\(service.rawValue)@second")
      // The first has the lease; the second takes it when the first ends.
      try await stack.kill(service, SIGTERM)
      expectCleanLog(try stack.log(of: service), service)
      try await story.arrived(before + 10)
      try await stack.up()
      try await expectCleanStop(stack, service, instance: "\(service.rawValue)@second", second)
    }
    let ending = try await story.end(at: [hkt], within: .seconds(60))
    #expect(ending.count(of: "sent") == 200)
    #expect(ending.longestGap < .seconds(5))
  }

  @Test("a gateway says that it is not ready, still answers, and resets no connection")
  func gateway() async throws {
    let stack = try SharedStack.current
    let story = try await begin(stack)
    let port = 20_000 + Int.random(in: 0..<20_000)
    let replica = try await stack.startReplica(
      of: .gateway, instance: "polite-gateway",
      environment: ["SLUICE_HTTP_PORT": "\(port)", "SLUICE_DRAIN_SECONDS": "2"])
    let second = JSONClient(base: "http://127.0.0.1:\(port)").with(token: stack.token)
    try await eventually(within: .seconds(20), "the second gateway is ready") {
      (try? await second.get("/api/health/ready").status) == 200
    }
    let (isStopping, accepted) = (NIOLockedValueBox(false), NIOLockedValueBox((before: 0, during: 0)))
    // As a load balancer does that has seen that the gateway is not ready: its requests go elsewhere.
    let isOut = NIOLockedValueBox(false)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for worker in 0..<6 {
        group.addTask {
          while !isOut.withLockedValue({ $0 }) {
            do {
              if worker < 4 {
                let number = Story.freshNumbers(1)[0]
                let answer = try await second.post("/api/sms", ["recipient": .string(number), "content": "polite"])
                #expect(answer.status == 202, "\(answer.text)")
                guard answer.status == 202 else { return }
                story.adopt([number])
                let isDuring = isStopping.withLockedValue { $0 }
                accepted.withLockedValue { if isDuring { $0.during += 1 } else { $0.before += 1 } }
                try await Task.sleep(for: .milliseconds(250))
              } else {
                // On a connection that is used again.
                let answer = try await second.get("/api/sms?limit=1")
                #expect(answer.status == 200, "\(answer.text)")
                try await Task.sleep(for: .milliseconds(10))
              }
            } catch let error as JSONClient.NoAnswer {
              Issue.record("a request got no answer: \(error)")
              return
            }
          }
        }
      }
      try await eventually("the second gateway accepts") { accepted.withLockedValue { $0.before } >= 8 }
      isStopping.withLockedValue { $0 = true }
      async let code = stack.stop(replica, of: .gateway, instance: "polite-gateway")
      try await eventually(within: .seconds(2), "not ready") {
        try await second.get("/api/health/ready").status == 503
      }
      try await eventually(within: .seconds(2), "accepts while it is not ready") {
        accepted.withLockedValue { $0.during } >= 1
      }
      isOut.withLockedValue { $0 = true }
      let ended = try await code
      #expect(ended == 0)
      try await group.waitForAll()
    }
    expectCleanLog(try stack.log(of: .gateway, instance: "polite-gateway"), .gateway)
    _ = try await story.end(at: [hkt], within: .seconds(60))
  }
}
