import AMQP
import Contracts
import Foundation
import NIOConcurrencyHelpers
import TestSupport
import Testing

@testable import APIGateway

extension GatewayIntegrationTests {
  private static let count = 400

  private static func sent(_ id: MessageID, _ index: Int) -> UnitsChanged {
    UnitsChanged(units: [
      UnitChange(
        attempt: AttemptID(unit: UnitID(messageID: id, index: index), dispatch: 0), state: .sent, dispatch: 0,
        attemptsUsed: 1, provider: "hkt", finishedAt: .now())
    ])
  }

  @Test("After a restart of the gateway a client goes on where it was: nothing is missed and nothing comes twice")
  func resumesFromTheLog() async throws {
    try await GatewayStack.run { stack in
      let (id, others) = (MessageID.timeOrdered(), MessageID.timeOrdered())
      try await ReadTables.insert(id, user: stack.user, total: 1, into: stack.pool)
      try await ReadTables.insert(others, user: .timeOrdered(), total: 1, into: stack.pool)
      let witness = try await EventClient.open(stack.http, token: GatewayStack.userToken)
      try await stack.asScheduler { publisher in
        func say(_ range: Range<Int>) async throws {
          for index in range {
            try await publisher.publish(
              Envelope(Self.sent(index % 5 == 0 ? others : id, index)), exchange: BrokerNames.events,
              timeout: .seconds(5))
          }
        }
        // The follower hears what is said after it has begun.
        try await eventually("the first event") {
          try await say(1..<2)
          return !witness.events.isEmpty
        }
        try await say(4..<5)
        try await eventually("the last of the first ones") {
          witness.events.last?.number("units.0.index") == 4
        }
        let place = try #require(witness.lastID)
        try await say(0..<Self.count)
        try await stack.withFreshReplica { replica in
          let talking = Task { [publisher] in
            for index in Self.count..<(2 * Self.count) {
              try await publisher.publish(
                Envelope(Self.sent(index % 5 == 0 ? others : id, index)), exchange: BrokerNames.events,
                timeout: .seconds(5))
            }
          }
          let back = try await EventClient.open(
            replica, token: GatewayStack.userToken, headers: ["Last-Event-ID": place])
          try await talking.value
          let expected = witness.events.filter { ($0.id.flatMap { Int($0) } ?? 0) <= Int(place) ?? 0 }.count
          try await eventually("the witness has heard all") {
            witness.events.last?.number("units.0.index") == Double(2 * Self.count - 1)
          }
          let all = Array(witness.events.dropFirst(expected))
          try await eventually("the other one too, \(back.events.count) of \(all.count) so far") {
            back.events.count >= all.count
          }
          #expect(all.count == 2 * Self.count * 4 / 5)
          #expect(back.events.map(\.id) == all.map(\.id))
          #expect(back.events.map(\.data) == all.map(\.data))
          #expect(!back.text.contains(others.description))
        }
      }
    }
  }
}
