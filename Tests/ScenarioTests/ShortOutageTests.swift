import Foundation
import TestSupport
import Testing

/// What was never sent is no dead letter because its provider, or one sender's network, was away for a while.
@Suite("Short outages", .serialized, .stack(.hkt(rate: 10)))
struct ShortOutageTests {
  private let hkt = ProviderUnderTest(name: "hkt", count: 10)

  @Test("while a provider cannot be reached SMS wait, and go when it is back")
  func provider() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    try await stack.kill(.mock)
    let numbers = try await story.sendBulk(40).numbers
    try await story.pass(Length.choose(.seconds(20), long: .seconds(70)))
    let states = try await story.states(of: numbers)
    #expect(states.values.allSatisfy { ["pending", "sending", "retrying"].contains($0) }, "\(Set(states.values))")
    try await stack.up()
    let ending = try await story.end(at: [hkt], within: .seconds(50))
    #expect(ending.count(of: "sent") == 40)
    #expect(ending.arrivals.count == 40)
  }

  @Test("a sender that can reach nobody stops taking, and its twin sends everything")
  func cutOffSender() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let file = stack.home.appending(path: "unreachable.yaml")
    let text = try String(contentsOf: stack.home.appending(path: "providers.yaml"), encoding: .utf8)
      .replacing("${SMS_BASE_URL}", with: "http://127.0.0.1:\(try RawServer.unusedPort())/")
    try text.write(to: file, atomically: true, encoding: .utf8)
    let twin = try await stack.startReplica(
      of: .sender, instance: "cut-off", environment: ["SLUICE_PROVIDERS": file.path])
    let log = stack.home.appending(path: "log/sender.cut-off.log")
    let broker = JSONClient(base: stack.managementURL)
    try await eventually(within: .seconds(20), "both senders take commands") {
      try await broker.get("/api/queues/sluice/send.hkt").json.consumers.int == 2
    }
    try await story.sendBulk(100)
    let ending = try await story.end(at: [hkt], within: .seconds(90))
    #expect(ending.count(of: "sent") == 100)
    let lines = try String(contentsOf: log, encoding: .utf8)
    #expect(lines.contains("no commands taken for a moment"), "it was asked to send, and stopped taking")
    twin.send(SIGTERM)
    try await twin.ends()
  }

  private func failures(_ stack: Stack) async throws -> Int {
    try await stack.query("SELECT 1 AS one FROM sender.ledger WHERE outcome = 'retryable'").count
  }

  @Test("a sender without descriptors claims nothing and fails nothing, and goes on when it has some")
  func descriptors() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let sender = try stack.pid(of: .sender).number
    func limit(_ count: Int) async throws {
      let command = Command(
        path: "/usr/bin/prlimit", arguments: ["--pid", "\(sender)", "--nofile=\(count):"], environment: [:])
      let (code, output) = try await command.run(within: .seconds(5))
      try #require(code == 0, "\(output)")
    }
    // Of the stories before, on the same stack.
    let before = try await failures(stack)
    try await limit(45)
    try await story.sendBulk(10)
    try await eventually(within: .seconds(10), "it says so") {
      stack.logs(lines: 100).contains("no descriptors left")
    }
    try await story.pass(.seconds(4))
    #expect(try await stack.mock.arrivals().isEmpty)
    #expect(try await failures(stack) == before, "it is not the provider's fault")
    try await limit(1024)
    let ending = try await story.end(at: [hkt], within: .seconds(30))
    #expect(ending.count(of: "sent") == 10 && ending.arrivals.count == 10)
  }
}
