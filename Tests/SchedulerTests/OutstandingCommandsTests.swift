import Contracts
import Metering
import Testing

@testable import Scheduler

@Suite("Outstanding commands and due times")
struct OutstandingCommandsTests {
  private let start = Timestamp(microseconds: 1_790_000_000_000_000)

  private func issued(_ count: Int) -> IssuedCommand {
    let attempts = (0..<count).map {
      SendCommand.Attempt(
        id: AttemptID(messageID: .timeOrdered(), index: $0, dispatch: 0), phone: "+85291234567", content: "x", cost: 1)
    }
    return IssuedCommand(
      id: .timeOrdered(), requestID: nil,
      command: SendCommand(
        provider: "hkt", attempts: attempts, notAfter: start + .seconds(2),
        limit: ProviderLimit(count: 2, windowMilliseconds: 1000, pacing: .sliding, version: 1)),
      open: Set(attempts.map(\.id)))
  }

  @Test("a silent command is repeated 1 s after its deadline, 10 s later, then ever more rarely, always the same")
  func repeats() {
    var commands = OutstandingCommands()
    let command = issued(2)
    commands.add(command)
    let repeats = [2.9, 3, 12.9, 13, 32.9, 33].map { commands.takeOverdue(now: start + .seconds($0)).map(\.id) }
    #expect(repeats == [[], [command.id], [], [command.id], [], [command.id]])
  }

  @Test("each attempt gives its credit back once, and the last ends the command")
  func settles() {
    var commands = OutstandingCommands()
    let command = issued(2)
    commands.add(command)
    let ids = command.command.attempts.map(\.id)
    let settled = [ids[0], ids[0], ids[1], ids[1]].map { commands.settle($0) }
    #expect(settled == ["hkt", nil, "hkt", nil])
    #expect(commands.count == 0)
    let overdue = commands.takeOverdue(now: start + .seconds(100))
    #expect(overdue.isEmpty)
  }

  @Test("units in backoff come when they are due, the earliest first")
  func due() {
    var due = DueTimes()
    let flow = FlowKey(messageClass: .normal, userID: .timeOrdered())
    for seconds in [3, 1, 2] {
      due.add(
        ReturnedUnit(
          unit: UnitID(messageID: .timeOrdered(), index: seconds), expectedDispatch: 0, expectedState: .retrying,
          nextDispatch: 1, segments: 1), flow: flow, dueAt: start + .seconds(seconds))
    }
    #expect(due.next == start + .seconds(1))
    let taken = [0.5, 2, 10].map { due.takeDue(now: start + .seconds($0)).map(\.unit.unit.index) }
    #expect(taken == [[], [1, 2], [3]])
  }
}
