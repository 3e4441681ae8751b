import Testing

@testable import AMQP

@Suite struct ConsumerPlanTests {
  private let now = ContinuousClock.now

  @Test("Queues are looked for and started one after another")
  func start() {
    var plan = ConsumerPlan(count: 2)
    #expect(plan.next(isWanted: true, now: now) == .look(0))
    #expect(plan.next(isWanted: true, now: now) == nil)
    #expect(plan.found() == 0)
    #expect(plan.next(isWanted: true, now: now) == nil)
    plan.started(0)
    #expect(plan.next(isWanted: true, now: now) == .look(1))
    #expect(plan.found() == 1)
    plan.started(1)
    #expect(plan.isConsumingAll)
  }

  @Test("A missing queue is looked for later, and the others meanwhile")
  func missing() {
    var plan = ConsumerPlan(count: 2)
    _ = plan.next(isWanted: true, now: now)
    #expect(plan.failed(retryAt: now + .seconds(1)) == 0)
    #expect(plan.next(isWanted: true, now: now) == .look(1))
    _ = plan.found()
    plan.started(1)
    #expect(plan.next(isWanted: true, now: now) == nil)
    #expect(plan.deadline == now + .seconds(1))
    #expect(plan.next(isWanted: true, now: now + .seconds(1)) == .look(0))
  }

  @Test("A pause stops all consumers, and the end of the pause starts them again")
  func pause() {
    var plan = ConsumerPlan(count: 1)
    _ = plan.next(isWanted: true, now: now)
    _ = plan.found()
    // Still being started when the pause begins: it is stopped as soon as it runs.
    #expect(plan.next(isWanted: false, now: now) == nil)
    plan.started(0)
    #expect(plan.next(isWanted: false, now: now) == .cancel(0))
    #expect(plan.next(isWanted: true, now: now) == nil)
    plan.stopped(0)
    #expect(plan.next(isWanted: false, now: now) == nil)
    #expect(plan.next(isWanted: true, now: now) == .look(0))
  }

  @Test("A restart leaves and starts again")
  func restart() {
    var plan = ConsumerPlan(count: 1)
    _ = plan.next(isWanted: true, now: now)
    _ = plan.found()
    plan.started(0)
    plan.restart(0)
    #expect(plan.next(isWanted: true, now: now) == .cancel(0))
    plan.stopped(0)
    #expect(plan.next(isWanted: true, now: now) == .look(0))
    _ = plan.found()
    plan.started(0)
    #expect(plan.next(isWanted: true, now: now) == nil)
  }

  @Test("A closed channel starts all again, and the one to blame latest")
  func channelClosed() {
    var plan = ConsumerPlan(count: 2)
    _ = plan.next(isWanted: true, now: now)
    _ = plan.found()
    plan.started(0)
    _ = plan.next(isWanted: true, now: now)
    _ = plan.found()
    plan.channelClosed(retryAt: now + .seconds(1), refusedUntil: now + .seconds(10))
    #expect(plan.next(isWanted: true, now: now) == nil)
    #expect(plan.next(isWanted: true, now: now + .seconds(1)) == .look(0))
    _ = plan.found()
    plan.started(0)
    #expect(plan.deadline == now + .seconds(10))
  }

  @Test("A consumer that the broker cancelled is started again later")
  func cancelled() {
    var plan = ConsumerPlan(count: 1)
    _ = plan.next(isWanted: true, now: now)
    _ = plan.found()
    plan.started(0)
    plan.cancelled(0, retryAt: now + .seconds(2))
    #expect(!plan.isConsumingAll)
    #expect(plan.next(isWanted: true, now: now + .seconds(2)) == .look(0))
  }
}
