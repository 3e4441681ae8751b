import Contracts
import DequeModule
import Logging
import ServiceKit

/// Lets go of the slots of requests whose answers take long, in one statement for all that are due.
///
/// What it fails to let go stays held until the answer.
actor SlowAnswers {
  private struct Request {
    var attempt: AttemptID
    var claim: Claim
    var firstByte: FirstByte
  }

  /// Between two statements.
  private static let pause = Duration.milliseconds(20)

  private let gate: Gate
  private let relaxAfter: Duration
  private let logger: Logger
  /// In order of their claims; some have been answered.
  private var requests: Deque<Request> = []
  private var unanswered: Set<AttemptID> = []
  private let begins: AsyncStream<Void>
  private let begun: AsyncStream<Void>.Continuation

  /// - Parameter relaxAfter: How long after its claim a request that has begun and has no answer lets go.
  init(gate: Gate, relaxAfter: Duration, logger: Logger) {
    self.gate = gate
    self.relaxAfter = relaxAfter
    self.logger = logger
    (begins, begun) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// A request is about to begin.
  func watch(_ attempt: AttemptID, _ claim: Claim, _ firstByte: FirstByte) {
    unanswered.insert(attempt)
    requests.append(Request(attempt: attempt, claim: claim, firstByte: firstByte))
    if requests.count == 1 { begun.yield() }
  }

  /// A request has ended.
  func forget(_ attempt: AttemptID) { unanswered.remove(attempt) }

  /// Works until `stop` or cancellation.
  func run() async {
    for await _ in begins {
      while let oldest = requests.first {
        let due = max(oldest.claim.issuedAt + relaxAfter, .now + Self.pause)
        // Ends early only by cancellation; slots are then held until the answers.
        guard (try? await Task.sleep(until: due, clock: .continuous)) != nil else { return }
        await relaxDue()
      }
    }
  }

  nonisolated func stop() { begun.finish() }

  private func relaxDue() async {
    let now = ContinuousClock.now
    var started: [(attempt: AttemptID, startedAt: Timestamp)] = []
    while let oldest = requests.first, oldest.claim.issuedAt + relaxAfter <= now {
      requests.removeFirst()
      if unanswered.contains(oldest.attempt), let instant = oldest.firstByte.instant {
        started.append((oldest.attempt, oldest.claim.databaseTime(instant)))
      }
    }
    do {
      try await gate.relax(started)
    } catch {
      logger.debug("slots kept until the answers", metadata: [LogKey.error: "\(error)"])
    }
  }
}
