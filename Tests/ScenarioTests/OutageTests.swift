import Foundation
import TestSupport
import Testing

/// The limit of 20 a second, seen from the provider, while servers and schedulers die, freeze and come back.
@Suite("20 a second, whatever dies or freezes", .serialized, .stack(.hkt(rate: 20)))
struct OutageTests {
  private let hkt = ProviderUnderTest(name: "hkt", count: 20)

  @Test("a sender that was away while 200 waited does not burst")
  func senderAway() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    try await story.sendBulk(200)
    try await story.arrived(10)
    try await stack.kill(.sender)
    try await story.pass(.seconds(Length.choose(10, long: 60)))
    try await stack.up()
    _ = try await story.end(at: [hkt], within: .seconds(60), unconfirmed: 10)
  }

  @Test("a killed scheduler goes on where it was")
  func killedScheduler() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    try await story.sendBulk(50)
    try await story.arrived(15)
    try await stack.kill(.scheduler)
    try await stack.up()
    let ending = try await story.end(at: [hkt], within: .seconds(40))
    #expect(ending.longestGap < .seconds(5))
  }

  @Test("a stand-by takes over from a frozen scheduler within 10 s and from a dead one within 5 s")
  func standby() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    let standby = try await stack.startReplica(of: .scheduler, instance: "scheduler@standby")
    // Enough for the stand-by to be at work when the frozen one wakes.
    try await story.sendBulk(Length.choose(130, long: 1200))
    try await story.arrived(15)
    try stack.freeze(.scheduler)
    try await story.pass(.seconds(Length.choose(8, long: 60)))
    try stack.thaw(.scheduler)
    let frozen = try await story.end(at: [hkt], within: .seconds(60))
    #expect(frozen.longestGap < .seconds(10))

    let next = try await Story.begin(on: stack)
    try await next.sendBulk(40)
    try await next.arrived(15)
    standby.send(SIGKILL)
    let killed = try await next.end(at: [hkt], within: .seconds(40))
    #expect(killed.longestGap < .seconds(5), "the thawed scheduler stands by and takes over")
  }

  @Test("the broker is killed and comes back")
  func broker() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    try await story.sendBulk(50)
    try await story.arrived(15)
    try await stack.restart(.rabbitmq)
    _ = try await story.end(at: [hkt], within: .seconds(60))
  }

  @Test("PostgreSQL is killed and comes back")
  func database() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    try await story.sendBulk(50)
    try await story.arrived(15)
    try await stack.restart(.postgresql)
    _ = try await story.end(at: [hkt], within: .seconds(60))
  }

  @Test("the database's clock goes forward by an hour and back: a pause of at most a window and a lease")
  func clock() async throws {
    let stack = try SharedStack.current
    let story = try await Story.begin(on: stack)
    try await story.sendBulk(90)
    try await story.arrived(20)
    try await stack.clock().step(to: .seconds(3600))
    try await story.arrived(50)
    try await stack.clock().right()
    let ending = try await story.end(at: [hkt], within: .seconds(60))
    #expect(ending.longestGap < .seconds(5), "a window of 1 s; the leader begins anew within its lease of 4 s")
  }
}
