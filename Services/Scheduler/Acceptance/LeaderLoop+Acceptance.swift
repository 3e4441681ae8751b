import Contracts
import Logging
import ServiceKit

extension LeaderLoop {
  /// Sees to what the log and the tables do not agree about.
  func mend(_ batch: Inbox.Batch) async throws {
    if !batch.untold.isEmpty {
      let facts = try await AcceptanceStore(term: term).tell(batch.untold)
      if !facts.isEmpty {
        logger.notice(
          "messages told to the read side in their gateway's place", metadata: [LogKey.count: "\(facts.count)"])
      }
      await relay.add(facts)
    }
    guard !batch.unqueued.isEmpty else { return }
    // What cannot be read was reported by whoever read the log.
    let accepted = batch.unqueued.compactMap { try? Submission.read($0) }
    let count = try await take(accepted)
    if count > 0 {
      logger.error(
        "messages were accepted and never came to the queue; taken from the log: see topology check",
        metadata: [LogKey.count: "\(count)", LogKey.queue: "\(BrokerNames.submissions)"])
    }
  }

  /// Takes messages into the backlog, each once.
  /// - Returns: How many were new.
  @discardableResult
  func take(_ accepted: [Envelope<MessageAccepted>]) async throws -> Int {
    guard !accepted.isEmpty else { return 0 }
    let result = try await IntakeStore(term: term).add(accepted)
    Failpoint.reach(.intakeCommitted)
    for entry in result.admitted { queue.admit(entry) }
    for changes in result.changes { follow(changes) }
    times.include(result.times)
    await relay.add(result.outbox)
    return result.count
  }
}
