import Contracts
import Foundation
import NIOConcurrencyHelpers
import TestSupport
import Testing

/// Three broker nodes, one of them cut off from the others while it goes on to take connections.
@Suite("A broker node that confirms nothing is left", .serialized, .enabled(if: Length.isLong))
struct ClusterTests {
  private let hkt = ProviderUnderTest(name: "hkt", count: 20)

  @Test(
    "accepting, sending and reading go on within 10 s, during the partition and after it", .timeLimit(.minutes(8)))
  func partition() async throws {
    let cluster = try await RabbitMQCluster.start()
    do {
      try await prepare(cluster)
      try await withStack(.hkt(rate: 20)) { stack in try await tell(cluster, stack) }
    } catch {
      try await cluster.stop()
      throw error
    }
    try await cluster.stop()
  }

  private func prepare(_ cluster: RabbitMQCluster) async throws {
    let definitions = BrokerDefinitions(
      topology: BrokerTopology(providers: ["hkt"]), target: .v3_10,
      passwords: Dictionary(uniqueKeysWithValues: BrokerUser.all.map { ($0.name, "secret") }))
    let body = try JSONDecoder().decode(JSONValue.self, from: Data(definitions.json().utf8))
    let imported = try await cluster.nodes[0].management.post("/api/definitions", body)
    try #require((200..<300).contains(imported.status), "\(imported.text)")
  }

  private func tell(_ cluster: RabbitMQCluster, _ stack: Stack) async throws {
    let story = try await Story.begin(on: stack)
    let gateway = try await move(stack, to: cluster)
    let load = Load(story: story, gateway: gateway)
    let running = Task { await load.run() }
    defer { running.cancel() }
    try await eventually(within: .seconds(30), "messages are accepted and read") { load.counts.read > 20 }

    // The leader of the log is the worst to lose: accepting waited for it, and all readers are told by it.
    for target in [try await cluster.leader(of: BrokerNames.log, in: BrokerNames.virtualHost), 0] {
      load.forgetGaps()
      try await cluster.cutOff(target)
      try await story.pass(.seconds(30))
      let during = load.takeGaps()
      try await cluster.heal(target)
      try await story.pass(.seconds(20))
      let after = load.takeGaps()
      print("cluster: node \(target) cut off: \(during); healed: \(after)")
      for gap in [during.accepting, during.reading, after.accepting, after.reading] {
        #expect(gap < .seconds(10), "node \(target): \(during), \(after)")
      }
    }
    load.end()
    await running.value
    let ending = try await story.end(at: [hkt], within: .seconds(90))
    print("cluster: longest gap between two SMS: \(ending.longestGap), \(ending.arrivals.count) sent")
    #expect(ending.longestGap < .seconds(10))
  }

  /// Starts all services anew, with the cluster in place of the stack's own broker.
  private func move(_ stack: Stack, to cluster: RabbitMQCluster) async throws -> JSONClient {
    let port = 20_000 + Int.random(in: 0..<20_000)
    let services: [StackProcess] = [.projector, .scheduler, .sender, .deadLetter, .gateway]
    let launches = try services.map { try stack.launch(of: $0) }
    for service in services { try await stack.kill(service, SIGTERM) }
    // The tables stand at a place in another broker's log. No projector runs that could begin at it.
    try await stack.query("UPDATE projection.progress SET log_offset = NULL")
    for (service, launch) in zip(services, launches) {
      var environment = [
        "SLUICE_AMQP_URL": "amqp://\(service.rawValue):secret@\(cluster.hosts)/\(BrokerNames.virtualHost)"
      ]
      if service == .gateway { environment["SLUICE_HTTP_PORT"] = "\(port)" }
      _ = try await stack.startReplica(
        of: service, instance: "\(service.rawValue)@cluster", launch: launch, environment: environment)
    }
    let gateway = JSONClient(base: "http://127.0.0.1:\(port)").with(token: stack.token)
    try await eventually(within: .seconds(30), "the gateway is ready") {
      (try? await gateway.get("/api/health/ready").status) == 200
    }
    return gateway
  }
}

/// Ten messages a second, each tried under its key until it is accepted, and then read until it is found.
private final class Load: Sendable {
  struct Gaps: CustomStringConvertible {
    var accepting = Duration.zero
    var reading = Duration.zero

    var description: String { "accepting \(accepting), reading \(reading)" }
  }

  private struct State {
    var accepted = 0
    var read = 0
    var acceptedAt = ContinuousClock.now
    var readAt = ContinuousClock.now
    var gaps = Gaps()
    var isOver = false
  }

  private let story: Story
  private let gateway: JSONClient
  private let state = NIOLockedValueBox(State())

  init(story: Story, gateway: JSONClient) {
    self.story = story
    self.gateway = gateway
  }

  var counts: (accepted: Int, read: Int) { state.withLockedValue { ($0.accepted, $0.read) } }

  func forgetGaps() { _ = takeGaps() }

  /// The longest times without a message accepted, and without one found, up to now.
  func takeGaps() -> Gaps {
    state.withLockedValue { state in
      var gaps = state.gaps
      gaps.accepting = max(gaps.accepting, state.acceptedAt.duration(to: .now))
      gaps.reading = max(gaps.reading, state.readAt.duration(to: .now))
      (state.acceptedAt, state.readAt, state.gaps) = (.now, .now, Gaps())
      return gaps
    }
  }

  /// Begins no more.
  func end() { state.withLockedValue { $0.isOver = true } }

  /// Until `end()`; what has begun is tried to its end.
  func run() async {
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled, !state.withLockedValue({ $0.isOver }) {
        group.addTask { await self.sendOne() }
        try? await Task.sleep(for: .milliseconds(100))  // cancelled: the loop ends
      }
    }
  }

  private func sendOne() async {
    let (number, key) = (Story.freshNumbers(1)[0], UUID().uuidString)
    let deadline = ContinuousClock.now + .seconds(60)
    var id: String?
    while id == nil, ContinuousClock.now < deadline {
      let answer = try? await gateway.post(
        "/api/sms", ["recipient": .string(number), "content": "cluster"], headers: [("Idempotency-Key", key)])
      if answer?.status == 202 { id = answer?.json.message_id.string } else { await pause() }
    }
    guard let id else { return }
    story.adopt([number])
    state.withLockedValue { state in
      state.accepted += 1
      state.gaps.accepting = max(state.gaps.accepting, state.acceptedAt.duration(to: .now))
      state.acceptedAt = .now
    }
    while ContinuousClock.now < deadline {
      if (try? await gateway.get("/api/sms/\(id)").status) == 200 {
        return state.withLockedValue { state in
          state.read += 1
          state.gaps.reading = max(state.gaps.reading, state.readAt.duration(to: .now))
          state.readAt = .now
        }
      }
      await pause()
    }
  }

  /// Also when cancelled, without haste.
  private func pause() async {
    await Task.detached { try? await Task.sleep(for: .milliseconds(250)) }.value
  }
}
