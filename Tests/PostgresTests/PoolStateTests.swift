import Testing

@testable import Postgres

@Suite struct PoolStateTests {
  private typealias State = PoolState<String, Int>
  private let start = ContinuousClock.now

  private func member(_ name: String, expiresIn seconds: Int = 1000) -> State.Member {
    .init(connection: name, expiresAt: start + .seconds(seconds))
  }

  private func ask(_ state: inout State, _ id: UInt64, at seconds: Int = 0) -> String {
    switch state.ask(id: id, waiter: Int(id), now: start + .seconds(seconds)) {
    case .lend(let member, let isStale, let close):
      "lend \(member.connection)\(isStale ? " stale" : "") \(close.map(\.connection))"
    case .wait(let open, let close): "wait open=\(open) \(close.map(\.connection))"
    case .closed: "closed"
    }
  }

  private func show(_ placement: State.Placement) -> String {
    switch placement {
    case .hand(let waiter, let member): "hand \(member.connection) to \(waiter)"
    case .keep: "keep"
    case .close(let member): "close \(member.connection)"
    case .gone(let open): "gone open=\(open)"
    }
  }

  @Test("No more than size and overflow are opened, and waiters are served in order")
  func bounds() {
    var state = State(size: 1, overflow: 1, idleCheck: .seconds(30))
    #expect(ask(&state, 1) == "wait open=true []")
    #expect(ask(&state, 2) == "wait open=true []")
    #expect(ask(&state, 3) == "wait open=false []")
    #expect(show(state.opened(member("a"), now: start)) == "hand a to 1")
    #expect(show(state.opened(member("b"), now: start)) == "hand b to 2")
    #expect(show(state.returned(member("a"), isUsable: true, now: start)) == "hand a to 3")
    #expect(show(state.returned(member("b"), isUsable: true, now: start)) == "close b")
    #expect(show(state.returned(member("a"), isUsable: true, now: start)) == "keep")
    #expect(ask(&state, 4) == "lend a []")
  }

  @Test("What was idle for long is checked, what is old is replaced")
  func ages() {
    var state = State(size: 2, overflow: 0, idleCheck: .seconds(30))
    _ = ask(&state, 1)
    _ = state.opened(member("a", expiresIn: 100), now: start)
    _ = state.returned(member("a", expiresIn: 100), isUsable: true, now: start)
    #expect(ask(&state, 2, at: 31) == "lend a stale []")
    _ = state.returned(member("a", expiresIn: 100), isUsable: true, now: start + .seconds(40))
    #expect(ask(&state, 3, at: 101) == "wait open=true [\"a\"]")
  }

  @Test("A lost connection is replaced only for somebody who waits")
  func lost() {
    var state = State(size: 1, overflow: 0, idleCheck: .seconds(30))
    _ = ask(&state, 1)
    _ = state.opened(member("a"), now: start)
    #expect(ask(&state, 2) == "wait open=false []")
    #expect(show(state.returned(member("a"), isUsable: false, now: start)) == "gone open=true")
    #expect(state.openingFailed() == 2)
    #expect(ask(&state, 3) == "wait open=true []")
    _ = state.opened(member("b"), now: start)
    #expect(show(state.returned(member("b"), isUsable: false, now: start)) == "gone open=false")
  }

  @Test("Who left is not served")
  func leaves() {
    var state = State(size: 1, overflow: 0, idleCheck: .seconds(30))
    _ = ask(&state, 1)
    #expect(state.leave(id: 1) == 1)
    #expect(state.leave(id: 1) == nil)
    #expect(show(state.opened(member("a"), now: start)) == "keep")
  }

  @Test("A closed pool keeps nothing and takes nobody")
  func closes() {
    var state = State(size: 1, overflow: 0, idleCheck: .seconds(30))
    _ = ask(&state, 1)
    _ = state.opened(member("a"), now: start)
    _ = ask(&state, 2)
    #expect(state.close().waiters == [2])
    #expect(ask(&state, 3) == "closed")
    #expect(show(state.returned(member("a"), isUsable: true, now: start)) == "close a")
  }
}
