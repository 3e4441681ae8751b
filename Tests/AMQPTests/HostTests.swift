import NIOConcurrencyHelpers
import Testing

@testable import AMQP

@Suite struct HostTests {
  private let hosts = (1...3).map { AMQPConfiguration.Host(name: "node\($0)") }

  @Test("Connections begin at every host, not all at the first of the list")
  func spread() {
    let firsts = (0..<300).compactMap { _ in HostOrder(hosts).next(avoiding: [])?.name }
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

  @Test("All connections leave a host that confirms nothing, those on other hosts stay")
  func board() {
    let board = HostBoard()
    let left = NIOLockedValueBox<[String]>([])
    _ = board.enter(hosts[0]) { left.withLockedValue { $0.append("consumer") } }
    _ = board.enter(hosts[1]) { left.withLockedValue { $0.append("elsewhere") } }
    let gone = board.enter(hosts[0]) { left.withLockedValue { $0.append("gone") } }
    board.left(gone)
    board.isStalled(hosts[0], of: 3)
    #expect(left.withLockedValue { $0 } == ["consumer"])
    #expect(board.suspects() == [hosts[0]])
    #expect(board.suspects(now: .now + HostBoard.suspicion + .seconds(1)).isEmpty)
  }

  @Test("The only host is never left by the others")
  func alone() {
    let board = HostBoard()
    _ = board.enter(hosts[0]) { Issue.record("left") }
    board.isStalled(hosts[0], of: 1)
    #expect(board.suspects().isEmpty)
  }
}
