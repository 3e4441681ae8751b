import Contracts
import Foundation

@testable import StatusProjector

/// The scheduler's half of the ledger: what it has queued and not finished, told fact by fact.
struct LedgerScheduler {
  private var units: [MessageID: [UnitState]] = [:]

  /// Takes note of a fact that the scheduler tells.
  mutating func tell(_ fact: Fact) {
    switch fact {
    case .queued(let queued):
      for entry in queued.messages { units[entry.messageID] = Array(repeating: .pending, count: entry.total) }
    case .dispatched(let dispatched):
      for entry in dispatched.units { units[entry.attempt.messageID]?[entry.attempt.index] = .sending }
    case .changed(let changed):
      for change in changed.units { units[change.attempt.messageID]?[change.attempt.index] = change.state }
    case .cancelled(let cancelled): for cut in cancelled.messages { end(cut, .cancelled) }
    case .expired(let expired): for cut in expired.messages { end(cut, .expired) }
    case .accepted, .finished, .paused, .resumed, .providers, .queue, .marked, .counted, .other: break
    }
  }

  private mutating func end(_ cut: CutMessage, _ state: UnitState) {
    for index in cut.fromIndex..<cut.total { units[cut.messageID]?[index] = state }
  }

  /// A mark now, and the count of it.
  func mark(at time: Timestamp) -> [LoggedFact] {
    let mark = EnvelopeID.timeOrdered()
    var buckets: [Int: LedgerCounted.Bucket] = [:]
    for (id, states) in units {
      var counts = UnitCounts()
      for state in states { counts[state] += 1 }
      guard counts.jobStatus == .pending || counts.jobStatus == .sending else { continue }
      let bytes = id.uuid.uuid
      let number = Int(bytes.14 & 3) * 256 + Int(bytes.15)
      var bucket = buckets[number] ?? .init(bucket: number, messages: 0, counts: UnitCounts())
      bucket.messages += 1
      for state in UnitState.allCases { bucket.counts[state] += counts[state] }
      buckets[number] = bucket
    }
    let counted = LedgerCounted(mark: mark, buckets: buckets.values.sorted { $0.bucket < $1.bucket })
    return [
      LoggedFact(at: time, fact: .marked(LedgerMarked(mark: mark, markedAt: time))),
      LoggedFact(at: time, fact: .counted(counted)),
    ]
  }
}
