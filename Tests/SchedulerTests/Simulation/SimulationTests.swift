import Foundation
import TestSupport
import Testing

@testable import Scheduler

/// 10⁶ slots with the long tests; a twentieth of them in every run.
@Suite("Scheduler and gate in virtual time")
struct SimulationTests {
  private static let isLong = ProcessInfo.processInfo.environment["SLUICE_LONG_TESTS"] == "1"

  private func violations(_ arrivals: [Double], count: Int) -> Int {
    let times = arrivals.sorted()
    return times.indices.dropLast(count).filter { times[$0 + count] - times[$0] < 1 }.count
  }

  @Test("without faults at least 99 % of the slots are used, and none too many", arguments: [0.003, 0.05, 0.4])
  func steady(latency: Double) {
    for count in [2, 20, 50] {
      let slots = 5000
      var simulation = Simulation(count: count, flows: 5, total: slots, latency: latency, seed: 7)
      simulation.run(until: .infinity, arrivals: slots)
      let arrivals = simulation.arrivals.sorted()
      let settled = arrivals.dropFirst(count * 10)
      let rate = Double(settled.count - 1) / ((settled.last ?? 0) - (settled.first ?? 0))
      let possible = Double(count) / (1.001 + min(latency, 0.25))
      #expect(rate >= 0.99 * possible, "\(count)/s at \(latency) s: \(rate) of \(possible)")
      #expect(violations(arrivals, count: count) == 0)
      let median = simulation.waits.sorted()[simulation.waits.count / 2]
      #expect(median < 0.1, "\(count)/s at \(latency) s: \(median) s from command to gate")
      #expect(Double(simulation.expiredLeases) < 0.001 * Double(slots))
    }
  }

  @Test("whatever dies, freezes or comes late: no violation, nothing twice, nothing lost", arguments: 0..<4)
  func faults(seed: Int) {
    let count = seed % 2 == 0 ? 2 : 20
    let slots = Self.isLong ? 250_000 : 12_000
    var random = SeededGenerator(seed: UInt64(seed))
    let flows = 5
    var simulation = Simulation(count: count, flows: flows, total: slots / flows, latency: 0.05, seed: UInt64(seed))
    var time = 5.0
    let end = Double(slots) / Double(count)
    var sendersKilled = 0
    while time < end {
      switch Int.random(in: 0..<4, using: &random) {
      case 0:
        simulation.schedule(.senderDies, at: time)
        simulation.schedule(.senderStarts, at: time + Double.random(in: 0.1...40, using: &random))
        sendersKilled += 1
      case 1: simulation.schedule(.leaderDies, at: time)
      case 2: simulation.schedule(.latency([0.003, 0.05, 0.4, 2][Int.random(in: 0..<4, using: &random)]), at: time)
      default:
        // Both at once.
        simulation.schedule(.senderDies, at: time)
        simulation.schedule(.leaderDies, at: time + 0.01)
        simulation.schedule(.senderStarts, at: time + 0.5)
        sendersKilled += 1
      }
      time += Double.random(in: 20...200, using: &random)
    }
    simulation.schedule(.latency(0.003), at: end)
    simulation.schedule(.senderStarts, at: time + 60)
    simulation.run(until: 3 * end + 1000)
    #expect(violations(simulation.arrivals, count: count) == 0)
    #expect(simulation.arrived.values.allSatisfy { $0 == 1 }, "nothing arrives twice")
    #expect(simulation.left == 0 && !simulation.isOutOfStep, "everything ends")
    let credit = Int((Double(count) * 2.25).rounded(.up)) + 2
    #expect(simulation.unknown <= sendersKilled * credit, "no more unknown than was in flight")
  }
}
