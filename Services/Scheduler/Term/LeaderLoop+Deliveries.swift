import AMQP
import Contracts
import Logging
import Postgres
import ServiceKit

extension LeaderLoop {
  /// Hands over a batch; when its values are at fault, one message after the other, and the guilty one is set aside.
  func handling<Delivery: Sendable>(
    _ deliveries: [Delivery], _ delivery: (Delivery) -> AMQPDelivery, by handler: ([Delivery]) async throws -> Void
  ) async throws {
    guard !deliveries.isEmpty else { return }
    do {
      try await handler(deliveries)
    } catch let error as PostgresError where error.isCausedByValues {
      if deliveries.count == 1 {
        setAside(delivery(deliveries[0]), error)
      } else {
        for next in deliveries { try await handling([next], delivery, by: handler) }
      }
    }
  }

  // MARK: Reports

  func apply(_ deliveries: [AMQPDelivery]) async throws {
    var read: [(AMQPDelivery, OutcomeReports)] = []
    for delivery in deliveries {
      do {
        read.append((delivery, try OutcomeReports(delivery)))
      } catch {
        setAside(delivery, error)
      }
    }
    let policies = Dictionary(uniqueKeysWithValues: queue.board.providers.map { ($0.name, $0.policy) })
    let result = try await OutcomeStore(term: term).apply(read.flatMap(\.1.reports), policies: policies)
    Failpoint.reach(.outcomesCommitted)
    await relay.add(result.outbox)
    let now = (term.databaseTime() ?? .now()).seconds
    for (_, reports) in read {
      // An answer from the future, or a gate that is closed for longer than any, was written down before the clock
      // stepped back: these times say nothing now.
      let isOfOtherClock =
        reports.anchors.values.contains { $0 > now + 2 } || (reports.gateOpensAt?.seconds ?? now) > now + 330
      for report in reports.reports {
        if let provider = outstanding.settle(report.attempt) {
          let anchor = isOfOtherClock ? now : reports.anchors[report.attempt]
          queue.board.settle(report.attempt, at: provider, anchor: anchor, now: now)
        }
      }
      queue.board.learn(
        at: reports.provider, latencies: reports.latencies,
        gateOpensAt: isOfOtherClock ? nil : reports.gateOpensAt?.seconds)
      queue.board.noteDone(
        reports.doneCount, at: reports.provider, now: now,
        isBacklogged: !queue.isEmpty && !idleProviders.contains(reports.provider))
    }
    for news in result.news { learn(news, now: now) }
    for settled in result.settled {
      due.withdraw(settled.unit)
      queue.withdraw([settled.unit], from: settled.flow)
    }
    enqueue(result.returned)
    for (delivery, _) in read { await feed.acknowledge(delivery) }
  }

  private func learn(_ news: OutcomeStore.News, now: Double) {
    let event = queue.board.learn(
      news.outcome, at: news.provider, startedAt: news.startedAt.seconds, isRepeat: news.isRepeat,
      isUnsent: news.isUnsent, scope: news.scope, now: now)
    guard let event else { return }
    var metadata: Logger.Metadata = [LogKey.provider: "\(news.provider)"]
    if let code = news.errorCode { metadata[LogKey.errorType] = "\(code)" }
    logger.log(level: event.isAlarm ? .error : .notice, "\(event.rawValue)", metadata: metadata)
    headsChanged()
  }

  // MARK: Submissions

  func takeIn(_ submissions: [Inbox.Received<Envelope<MessageAccepted>>]) async throws {
    var accepted: [(AMQPDelivery, Envelope<MessageAccepted>)] = []
    for received in submissions {
      switch received.content {
      case .success(let submission): accepted.append((received.delivery, submission))
      case .failure(let error): setAside(received.delivery, error)
      }
    }
    try await take(accepted.map(\.1))
    for (delivery, _) in accepted { await feed.acknowledge(delivery) }
  }
}
