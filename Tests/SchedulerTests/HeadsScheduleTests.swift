import Contracts
import Metering
import Testing

@testable import Scheduler

@Suite("When the heads of the queue are told")
struct HeadsScheduleTests {
  private let start = Timestamp(seconds: 1_000)

  private func queue(flows: Int) -> DispatchQueue {
    let limit = ProviderLimit(count: 2, windowMilliseconds: 1000, pacing: .sliding, version: 1)
    var queue = DispatchQueue(
      board: ProviderBoard(providers: [ProviderState(name: "a", limit: limit, now: 0)], globalRate: nil, now: 0))
    for number in 0..<flows {
      queue.admit(
        QueueEntry(
          flow: FlowKey(messageClass: .normal, userID: .timeOrdered()), flowID: Int64(number), weight: 1,
          span: MessageSpan(messageID: .timeOrdered(), firstNumber: 0, cursor: 0, total: 1, segments: 1)))
    }
    return queue
  }

  @Test("few are told at once, with who is paused; what changed follows after a second, without")
  func few() throws {
    var queue = queue(flows: 3)
    var schedule = HeadsSchedule(epoch: 7)
    let user = UserID.timeOrdered()
    let all = try #require(schedule.next(&queue, paused: [user], now: start))
    #expect(all.isComplete && all.parts == nil && all.flows.count == 3 && all.pausedUsers == [user])
    _ = try queue.plan(limit: 1, now: 1_000)
    #expect(schedule.next(&queue, paused: [user], now: start + .milliseconds(500)) == nil)
    let change = try #require(schedule.next(&queue, paused: [user], now: start + .seconds(1)))
    #expect(!change.isComplete && change.flows.count == 1 && change.pausedUsers == nil)
  }

  @Test(
    "very many are told in parts of one moment, each small enough for every broker, and change nothing before the last")
  func many() throws {
    var queue = queue(flows: 5_000)
    var schedule = HeadsSchedule(epoch: 7)
    var snapshot = QueueSnapshot()
    var parts: [QueueChanged] = []
    repeat {
      #expect(!snapshot.isKnown)
      let part = try #require(
        schedule.next(&queue, paused: [], now: start + .milliseconds(10 * parts.count)))
      let size = try Wire.encode(Envelope(part)).count
      #expect(size <= 512 * 1024, "\(size)")
      snapshot.apply(try Wire.decode(QueueChanged.self, from: Wire.encode(Envelope(part))).body)
      parts.append(part)
    } while parts.last?.isPart == true
    #expect(parts.count > 1)
    #expect(Set(parts.map(\.asOf)).count == 1)
    #expect(snapshot.totalBacklog == 5_000)
    let after = schedule.next(&queue, paused: [], now: start + .seconds(1))
    #expect(after == nil)
  }

  @Test("a reader that misses a part keeps what it had until all have come again")
  func missed() throws {
    var queue = queue(flows: 5_000)
    var schedule = HeadsSchedule(epoch: 7)
    var snapshot = QueueSnapshot()
    var parts: [QueueChanged] = []
    repeat {
      parts.append(try #require(schedule.next(&queue, paused: [], now: start)))
    } while parts.last?.isPart == true
    for part in parts.dropFirst() { snapshot.apply(part) }
    #expect(!snapshot.isKnown)
    for part in parts { snapshot.apply(part) }
    #expect(snapshot.totalBacklog == 5_000)
  }

  @Test("heads that are lost are told again after a while that doubles, and not at every turn")
  func lost() throws {
    var queue = queue(flows: 1)
    var schedule = HeadsSchedule(epoch: 7)
    var now = start
    for pause in [1, 2, 4] {
      _ = try #require(schedule.next(&queue, paused: [], now: now))
      schedule.startOver(now: now)
      #expect(schedule.next(&queue, paused: [], now: now + .milliseconds(1000 * pause - 1)) == nil)
      now = now + .seconds(pause)
    }
    let again = try #require(schedule.next(&queue, paused: [], now: now))
    #expect(again.isComplete)
    schedule.noteTold()
    schedule.startOver(now: now)
    #expect(
      schedule.next(&queue, paused: [], now: now + .seconds(1)) != nil, "after heads that arrived the first pause")
  }
}
