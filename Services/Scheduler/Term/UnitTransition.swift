import Contracts
import Metering

/// What a unit becomes by one report about its attempt. Pure: the whole state machine of a dispatched unit.
struct UnitTransition: Sendable {
  /// A unit as its row says.
  struct Unit: Sendable, Hashable {
    var state: UnitState
    var dispatch: Int
    var attemptsUsed: Int
    var throttles: Int
    /// Providers that failed it.
    var failedProviders: [String] = []
    /// Sent again after an unknown outcome.
    var isResent = false
    /// Attempts whose outcome is unknown, and of which no answer has come since.
    var unresolved: Set<Int> = []
    /// It may have arrived by an attempt that is known of only by its letter.
    var isDoubtful = false
    /// Attempts in a row that failed before their first byte, and when the first of them did.
    var unsent = 0
    var unsentSince: Timestamp?

    /// Whether it may have arrived already: then it ends as `sent` or `unconfirmed`.
    var mayHaveArrived: Bool { isDoubtful || !unresolved.isEmpty }
  }

  /// What has become of its message meanwhile: a unit that comes back follows it.
  enum Ending: Sendable, Hashable {
    case cancelled, expired
  }

  /// A report about one attempt.
  enum Report: Sendable, Hashable {
    case outcome(AttemptOutcome)
    /// The lease ran out before the gate opened: nothing was sent.
    case expired
  }

  /// What a report says beside its outcome.
  struct Details: Sendable, Hashable {
    /// No byte of the request was written.
    var isUnsent = false
    /// Seconds from now on for which the provider wants to be left alone.
    var retryAfter: Double?
    /// Whom it throttles.
    var scope: ThrottleScope?
  }

  /// What follows.
  enum Decision: Sendable, Hashable {
    /// A repeat, or news about an attempt that no longer matters.
    case ignore
    /// The unit stays where it is; what became of an attempt in doubt is known now.
    case resolve(Unit)
    case change(Unit, dueAfterSeconds: Double?)
  }

  /// Seconds for which attempts that were not sent are not counted: an outage that is shorter kills no SMS.
  static let outage = 3600.0
  /// Seconds that an SMS waits at most after an attempt that was not sent.
  static let unsentCap = 30.0
  /// Seconds that an SMS waits at most for one number's limit.
  static let longestWait = 3600.0

  var policy: ProviderPolicy

  /// - Parameters:
  ///   - dispatch: The attempt's dispatch number.
  ///   - provider: Who reported it.
  ///   - ending: What it becomes instead of waiting again: its message has been cancelled or has expired, or its replay
  ///     has been cancelled.
  ///   - random: In 0..<1, for the jitter.
  func decide(
    _ unit: Unit, dispatch: Int, report: Report, details: Details = Details(), provider: String,
    messageClass: MessageClass, ending: UnitState? = nil, now: Timestamp = Timestamp(seconds: 0), random: Double
  ) -> Decision {
    let isCurrent = dispatch == unit.dispatch
    switch unit.state {
    case .sending where isCurrent:
      let decision = sending(unit, report, details, provider, messageClass, now, random)
      return ended(decision, report, ending, mayHaveArrived: unit.mayHaveArrived)
    case .sending, .pending:
      return unit.unresolved.contains(dispatch) ? late(unit, dispatch, report) : .ignore
    case .unconfirmed, .retrying, .expired, .cancelled:
      return isCurrent || unit.unresolved.contains(dispatch) ? late(unit, dispatch, report) : .ignore
    case .dead, .failed, .sent:
      return .ignore
    }
  }

  /// What would go back to waiting ends with its message; what may have arrived is called so, however its last attempt
  /// ended.
  private func ended(
    _ decision: Decision, _ report: Report, _ ending: UnitState?, mayHaveArrived: Bool
  ) -> Decision {
    guard case .change(var unit, let due) = decision else { return decision }
    let mayHaveArrived = mayHaveArrived || report == .outcome(.unknown)
    switch unit.state {
    case .pending, .retrying:
      guard let ending else { return decision }
      unit.state = mayHaveArrived ? .unconfirmed : ending
      return .change(unit, dueAfterSeconds: nil)
    case .failed, .dead:
      if mayHaveArrived { unit.state = .unconfirmed }
      return .change(unit, dueAfterSeconds: due)
    case .sending, .unconfirmed, .expired, .cancelled, .sent:
      return decision
    }
  }

  private func sending(
    _ unit: Unit, _ report: Report, _ details: Details, _ provider: String, _ messageClass: MessageClass,
    _ now: Timestamp, _ random: Double
  ) -> Decision {
    var next = unit
    if case .outcome = report, !details.isUnsent { (next.unsent, next.unsentSince) = (0, nil) }
    switch report {
    case .expired:
      return pending(unit)
    case .outcome(.accepted):
      next.state = .sent
    case .outcome(.rejected):
      next.state = policy.keepsRejected ? .dead : .failed
    case .outcome(.refusedCredentials):
      // Costs no attempt: it says nothing about the SMS. The third in a row pauses the provider.
      return pending(next)
    case .outcome(.throttled):
      return throttled(next, details, random)
    case .outcome(.retryable):
      return details.isUnsent ? unsent(next, provider, now, random) : retry(next, provider, random)
    case .outcome(.unknown):
      next.attemptsUsed += 1
      next.unresolved.insert(unit.dispatch)
      switch policy.onUnknown(messageClass) {
      case .hold:
        next.state = .unconfirmed
      case .resend:
        // Once: two copies may have arrived by then, and a third must not.
        guard !unit.isResent, !unit.mayHaveArrived, next.attemptsUsed < policy.retry.maxAttempts else {
          next.state = .unconfirmed
          break
        }
        next.state = .retrying
        next.isResent = true
        next.failedProviders = unit.failedProviders + [provider]
        return .change(next, dueAfterSeconds: 0)
      }
    }
    return .change(next, dueAfterSeconds: nil)
  }

  /// A real answer to an attempt that was given up as unknown, whatever became of the unit since.
  private func late(_ unit: Unit, _ dispatch: Int, _ report: Report) -> Decision {
    var next = unit
    next.unresolved.remove(dispatch)
    switch report {
    case .outcome(.accepted):
      next.state = .sent
      return .change(next, dueAfterSeconds: nil)
    case .outcome(.rejected):
      // Another attempt may still have arrived, or is under way.
      guard unit.state != .sending, !next.mayHaveArrived else { return .resolve(next) }
      next.state = .failed
      return .change(next, dueAfterSeconds: nil)
    case .outcome(.retryable), .outcome(.throttled), .outcome(.refusedCredentials), .outcome(.unknown), .expired:
      return .ignore
    }
  }

  /// Back to the front of its flow under the next dispatch number; no attempt is counted.
  private func pending(_ unit: Unit) -> Decision {
    var next = unit
    next.state = .pending
    next.dispatch += 1
    return .change(next, dueAfterSeconds: nil)
  }

  /// One number's limit is waited for by that SMS alone; when the provider is closed for all the unit goes back at once.
  /// From the third time running it waits longer, after fifty it is dead.
  private func throttled(_ unit: Unit, _ details: Details, _ random: Double) -> Decision {
    var next = unit
    next.throttles += 1
    if next.throttles >= 50 {
      next.state = .dead
      return .change(next, dueAfterSeconds: nil)
    }
    var delay = details.scope == .number ? min(max(0, details.retryAfter ?? 1), Self.longestWait) : 0
    if next.throttles % 3 == 0 {
      let backoff = policy.retry.endless(cap: policy.retry.cap)
      delay = max(delay, backoff.delay(afterAttempts: next.throttles / 3, random: random) ?? policy.retry.cap)
    }
    guard delay > 0 else { return pending(next) }
    next.state = .retrying
    return .change(next, dueAfterSeconds: delay)
  }

  /// It cannot have arrived, and the fault is not the SMS's: it waits and goes. Only when that lasts for longer than an
  /// outage do attempts count.
  private func unsent(_ unit: Unit, _ provider: String, _ now: Timestamp, _ random: Double) -> Decision {
    var next = unit
    let since = unit.unsentSince ?? now
    next.unsent += 1
    next.unsentSince = since
    guard (now - since) / .seconds(1) < Self.outage else { return retry(next, provider, random) }
    if !next.failedProviders.contains(provider) { next.failedProviders.append(provider) }
    next.throttles = 0
    next.state = .retrying
    let delay = policy.retry.endless(cap: Self.unsentCap).delay(afterAttempts: next.unsent, random: random)
    return .change(next, dueAfterSeconds: delay ?? Self.unsentCap)
  }

  private func retry(_ unit: Unit, _ provider: String, _ random: Double) -> Decision {
    var next = unit
    next.attemptsUsed += 1
    if !next.failedProviders.contains(provider) { next.failedProviders.append(provider) }
    next.throttles = 0
    guard let delay = policy.retry.delay(afterAttempts: next.attemptsUsed, random: random) else {
      next.state = .dead
      return .change(next, dueAfterSeconds: nil)
    }
    next.state = .retrying
    return .change(next, dueAfterSeconds: delay)
  }
}
