import AMQP
import Contracts

/// One delivery of a sender's reports, of either kind, in one form.
struct OutcomeReports: Sendable {
  var provider: String
  var reports: [OutcomeStore.Report]
  var gateOpensAt: Timestamp?
  /// Seconds between claim and answer.
  var latencies: [Double] = []
  /// When the windows of the slots that were used began: the answer, or the start + 250 ms if that is earlier.
  var anchors: [AttemptID: Double] = [:]
  /// SMS that are done with, whatever became of them: the others come back and wait again.
  var doneCount = 0

  /// - Throws: `WireError` for anything else.
  init(_ delivery: AMQPDelivery) throws {
    let header = try Wire.header(of: delivery.body)
    switch header.type {
    case .attemptOutcome:
      let body = try Wire.decode(AttemptOutcomes.self, from: delivery.body).body
      provider = body.provider
      gateOpensAt = body.gateOpensAt
      reports = body.outcomes.map { outcome in
        OutcomeStore.Report(
          attempt: outcome.attempt, provider: body.provider, report: .outcome(outcome.outcome), reply: outcome.reply,
          errorCode: outcome.errorCode, reason: outcome.reason, startedAt: outcome.startedAt,
          finishedAt: outcome.finishedAt, isUnsent: outcome.isUnsent, retryAfter: outcome.retryAfterSeconds,
          scope: outcome.throttleScope)
      }
      // A time-out, or any other end without an answer, says nothing about how long answers take.
      latencies = body.outcomes.filter { $0.startedAt != nil && $0.outcome != .unknown }
        .map { ($0.finishedAt - $0.claimedAt) / .seconds(1) }
      for outcome in body.outcomes where !outcome.isUnsent {
        anchors[outcome.attempt] = min(
          outcome.finishedAt.seconds, (outcome.startedAt ?? outcome.finishedAt).seconds + 0.25)
      }
      doneCount = body.outcomes.count { [.accepted, .rejected, .unknown].contains($0.outcome) }
    case .sendExpired:
      let body = try Wire.decode(SendsExpired.self, from: delivery.body).body
      provider = body.provider
      gateOpensAt = body.gateOpensAt
      reports = body.attempts.map {
        OutcomeStore.Report(attempt: $0, provider: body.provider, report: .expired, errorCode: "lease_expired")
      }
    default:
      throw WireError(code: .unexpectedType, message: "\(header.type.rawValue) is no report of an attempt")
    }
  }
}
