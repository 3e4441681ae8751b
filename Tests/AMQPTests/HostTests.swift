import NIOConcurrencyHelpers
import Testing

@testable import AMQP

@Suite struct HostTests {
  private let hosts = (1...3).map { AMQPConfiguration.Host(name: "node\($0)") }

  @Test("Processes begin at every host, not all at the first of the list; the connections of one at the same")
  func spread() {
    let firsts = (0..<300).compactMap { _ -> String? in
      let board = HostBoard()
      let both = (0..<2).map { _ in HostOrder(board.order(of: hosts)).next(avoiding: []) }
      #expect(both[0] == both[1])
      return both[0]?.name
    }
    for host in hosts { #expect(firsts.count { $0 == host.name } > 50, "of 300, \(host)") }
  }

  @Test("A host that failed is tried after all others")
  func setBack() throws {
    var order = HostOrder(hosts)
    let bad = try #require(order.next(avoiding: []))
    order.setBack(bad)
    for _ in 0..<2 {
      let next = try #require(order.next(avoiding: []))
      #expect(next != bad)
      order.setBack(next)
    }
    #expect(order.next(avoiding: []) == bad)
  }

  @Test("A host that confirms nothing is the last choice, and of several the one found out first")
  func suspects() {
    let order = HostOrder(hosts)
    #expect(order.next(avoiding: [hosts[0], hosts[2]]) == hosts[1])
    #expect(order.next(avoiding: [hosts[2], hosts[0], hosts[1]]) == hosts[2])
  }

  @Test("Rather a host that was suspected a while ago than the one that has just failed")
  func failed() {
    var order = HostOrder(hosts)
    order.setBack(hosts[0])
    #expect(order.next(avoiding: [hosts[2], hosts[1]]) == hosts[2])
    #expect(order.next(avoiding: [hosts[2]]) == hosts[1])
    var only = HostOrder([hosts[0]])
    only.setBack(hosts[0])
    #expect(only.next(avoiding: []) == hosts[0])
  }

  @Test("All connections leave a host that confirms nothing, those on other hosts stay")
  func board() {
    let board = HostBoard()
    let left = NIOLockedValueBox<[String]>([])
    _ = board.enter(hosts[0]) { _ in left.withLockedValue { $0.append("consumer") } }
    _ = board.enter(hosts[1]) { _ in left.withLockedValue { $0.append("elsewhere") } }
    let gone = board.enter(hosts[0]) { _ in left.withLockedValue { $0.append("gone") } }
    board.left(gone)
    board.isStalled(hosts[0], of: 3)
    #expect(left.withLockedValue { $0 } == ["consumer"])
    #expect(board.suspects() == [hosts[0]])
    #expect(board.suspects(now: .now + HostBoard.suspicion + .seconds(1)).isEmpty)
  }

  @Test("A consumer of queues comes to the host on which the publisher works, a reader of a stream stays")
  func home() {
    let board = HostBoard()
    let left = NIOLockedValueBox<[String]>([])
    _ = board.enter(hosts[0]) { _ in left.withLockedValue { $0.append("reader") } }
    _ = board.enter(hosts[0], followsPublisher: true) { _ in left.withLockedValue { $0.append("consumer") } }
    _ = board.enter(hosts[1], followsPublisher: true) { _ in left.withLockedValue { $0.append("beside it") } }
    #expect(board.home == nil)
    board.confirms(hosts[1])
    board.confirms(hosts[1])
    #expect(left.withLockedValue { $0 } == ["consumer"])
    #expect(board.home == hosts[1])

    var order = HostOrder(hosts)
    #expect(order.next(avoiding: [], home: board.home) == hosts[1])
    order.setBack(hosts[1])
    #expect(order.next(avoiding: [], home: board.home) == hosts[0], "it has just failed there")
    board.isStalled(hosts[1], of: 3)
    #expect(board.home == nil)
    #expect(left.withLockedValue { $0 } == ["consumer", "beside it"])
    board.confirms(hosts[1])
    #expect(board.suspects().isEmpty, "it works again")
  }

  @Test("The only host is never left by the others")
  func alone() {
    let board = HostBoard()
    _ = board.enter(hosts[0]) { _ in Issue.record("left") }
    board.isStalled(hosts[0], of: 1)
    #expect(board.suspects().isEmpty)
  }
}
