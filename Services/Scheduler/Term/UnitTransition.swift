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
    /// The last attempt whose outcome is unknown. A unit that a replay gave back unsent has a higher number by then.
    var lastUnknown: Int?
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

  /// What follows.
  enum Decision: Sendable, Hashable {
    /// A repeat, or news about an attempt that no longer matters.
    case ignore
    case change(Unit, dueAfterSeconds: Double?)
  }

  var policy: ProviderPolicy

  /// - Parameters:
  ///   - dispatch: The attempt's dispatch number.
  ///   - provider: Who reported it.
  ///   - ending: What it becomes instead of waiting again: its message has been cancelled or has expired, or its replay
  ///     has been cancelled.
  ///   - random: In 0..<1, for the jitter.
  func decide(
    _ unit: Unit, dispatch: Int, report: Report, provider: String, messageClass: MessageClass, ending: UnitState? = nil,
    random: Double
  ) -> Decision {
    guard dispatch == unit.dispatch || (unit.state == .unconfirmed && dispatch == unit.lastUnknown) else {
      return .ignore
    }
    switch unit.state {
    case .sending:
      let decision = sending(unit, report, provider, messageClass, random)
      return ending.map { ended(decision, report, $0) } ?? decision
    case .unconfirmed, .retrying, .expired, .cancelled:
      return late(unit, report)
    case .pending, .dead, .failed, .sent:
      return .ignore
    }
  }

  /// What would go back to waiting ends with its message; what may have arrived is called so.
  private func ended(_ decision: Decision, _ report: Report, _ ending: UnitState) -> Decision {
    guard case .change(var unit, _) = decision, unit.state == .pending || unit.state == .retrying else {
      return decision
    }
    unit.state = report == .outcome(.unknown) ? .unconfirmed : ending
    return .change(unit, dueAfterSeconds: nil)
  }

  private func sending(
    _ unit: Unit, _ report: Report, _ provider: String, _ messageClass: MessageClass, _ random: Double
  ) -> Decision {
    var next = unit
    switch report {
    case .expired:
      return pending(unit)
    case .outcome(.accepted):
      next.state = .sent
    case .outcome(.rejected):
      next.state = policy.keepsRejected ? .dead : .failed
    case .outcome(.refusedCredentials):
      // Costs no attempt: it says nothing about the SMS. The third in a row pauses the provider.
      return pending(unit)
    case .outcome(.throttled):
      return throttled(unit, random)
    case .outcome(.retryable):
      return retry(unit, provider, random)
    case .outcome(.unknown):
      next.attemptsUsed += 1
      switch policy.onUnknown(messageClass) {
      case .hold:
        next.state = .unconfirmed
      case .resend:
        // Once: a second unknown outcome is held.
        guard !unit.isResent, next.attemptsUsed < policy.retry.maxAttempts else {
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

  /// A real answer to an attempt that was given up as unknown, before it was sent again.
  private func late(_ unit: Unit, _ report: Report) -> Decision {
    var next = unit
    switch report {
    case .outcome(.accepted): next.state = .sent
    case .outcome(.rejected): next.state = .failed
    case .outcome(.retryable), .outcome(.throttled), .outcome(.refusedCredentials), .outcome(.unknown), .expired:
      return .ignore
    }
    return .change(next, dueAfterSeconds: nil)
  }

  /// Back to the front of its flow under the next dispatch number; no attempt is counted.
  private func pending(_ unit: Unit) -> Decision {
    var next = unit
    next.state = .pending
    next.dispatch += 1
    return .change(next, dueAfterSeconds: nil)
  }

  /// A throttled unit goes back at once; from the third time running it waits, after fifty it is dead.
  private func throttled(_ unit: Unit, _ random: Double) -> Decision {
    var next = unit
    next.throttles += 1
    if next.throttles >= 50 {
      next.state = .dead
      return .change(next, dueAfterSeconds: nil)
    }
    if next.throttles % 3 == 0 {
      next.state = .retrying
      let delay = RetryBackoff(maxAttempts: .max, base: policy.retry.base, cap: policy.retry.cap)
        .delay(afterAttempts: next.throttles / 3, random: random)
      return .change(next, dueAfterSeconds: delay ?? policy.retry.cap)
    }
    return pending(next)
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
