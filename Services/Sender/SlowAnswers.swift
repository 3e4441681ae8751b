import Contracts
import DequeModule
import Logging
import ServiceKit

/// Lets go of the pessimistic anchors of requests that have begun and whose answers take long, in one statement for all
/// that are due.
///
/// What it fails to let go stays held until the answer.
actor SlowAnswers {
  private struct Request {
    var attempt: AttemptID
    var claim: Claim
    var firstByte: FirstByte
    var dueAt: ContinuousClock.Instant
  }

  /// How long an answer is awaited after the claim: most come earlier, and need no statement. More than the transport's
  /// `repeatLimit`, after which a first byte that was noted is the last one.
  private static let patience = Duration.milliseconds(200)
  /// Between two statements, and two looks at a request that has not begun.
  private static let pause = Duration.milliseconds(20)

  private let gate: Gate
  private let logger: Logger
  /// In the order in which they are due; some have been answered.
  private var requests: Deque<Request> = []
  /// Requests that were due and had not begun.
  private var unbegun: [Request] = []
  private var unanswered: Set<AttemptID> = []
  private let begins: AsyncStream<Void>
  private let begun: AsyncStream<Void>.Continuation

  init(gate: Gate, logger: Logger) {
    self.gate = gate
    self.logger = logger
    (begins, begun) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// A request is about to begin.
  func watch(_ attempt: AttemptID, _ claim: Claim, _ firstByte: FirstByte) {
    unanswered.insert(attempt)
    requests.append(
      Request(attempt: attempt, claim: claim, firstByte: firstByte, dueAt: claim.issuedAt + Self.patience))
    if requests.count == 1 { begun.yield() }
  }

  /// A request has ended.
  func forget(_ attempt: AttemptID) { unanswered.remove(attempt) }

  /// Works until `stop` or cancellation.
  func run() async {
    for await _ in begins {
      while let next = nextLook() {
        // Ends early only by cancellation; slots are then held until the answers.
        guard (try? await Task.sleep(until: next, clock: .continuous)) != nil else { return }
        await relaxDue()
      }
    }
  }

  nonisolated func stop() { begun.finish() }

  private func nextLook() -> ContinuousClock.Instant? {
    let soon = ContinuousClock.now + Self.pause
    guard unbegun.isEmpty else { return soon }
    return requests.first.map { max($0.dueAt, soon) }
  }

  private func relaxDue() async {
    let now = ContinuousClock.now
    var due = unbegun
    unbegun = []
    while let oldest = requests.first, oldest.dueAt <= now { due.append(requests.removeFirst()) }
    var started: [(attempt: AttemptID, startedAt: Timestamp)] = []
    for request in due where unanswered.contains(request.attempt) {
      if let instant = request.firstByte.instant {
        started.append((request.attempt, request.claim.databaseTime(instant)))
      } else {
        unbegun.append(request)
      }
    }
    do {
      try await gate.relax(started)
    } catch {
      logger.debug("slots kept until the answers", metadata: [LogKey.error: "\(error)"])
    }
  }
}
