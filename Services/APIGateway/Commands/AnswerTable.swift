import Contracts
import NIOConcurrencyHelpers

/// Who waits for the answer to which command. Bounded; an entry lives as long as the request that made it.
final class AnswerTable: Sendable {
  /// Commands that may be open at once.
  let capacity: Int

  private let slots = NIOLockedValueBox<[EnvelopeID: Slot]>([:])

  private enum Slot {
    case open
    case waiting(CheckedContinuation<CommandAnswered?, Never>)
    case answered(CommandAnswered)
    /// Nobody will answer in time, or nobody wants to know any more.
    case ended
  }

  /// Too many commands are open.
  struct Full: Error {}

  init(capacity: Int = 10_000) { self.capacity = capacity }

  /// Commands that are open now.
  var count: Int { slots.withLockedValue { $0.count } }

  /// Sends a command and waits for its answer, which may come before the sending has returned.
  /// - Parameters:
  ///   - id: The command's envelope id.
  ///   - deadline: Until when, the sending included.
  /// - Returns: `nil` when nobody has answered by the deadline, or when cancelled.
  /// - Throws: `Full`, or what the sending throws.
  func answer(
    to id: EnvelopeID, by deadline: ContinuousClock.Instant, sending: () async throws -> Void
  ) async throws -> CommandAnswered? {
    try slots.withLockedValue { slots in
      guard slots.count < capacity else { throw Full() }
      slots[id] = .open
    }
    defer { _ = slots.withLockedValue { $0.removeValue(forKey: id) } }
    try await sending()
    let timer = Task {
      try await Task.sleep(until: deadline)
      self.end(id)
    }
    defer { timer.cancel() }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in wait(for: id, continuation) }
    } onCancel: {
      end(id)
    }
  }

  /// Takes an answer from the stream; one that nobody here waits for is left alone.
  func take(_ answer: CommandAnswered) {
    let waiting: CheckedContinuation<CommandAnswered?, Never>? = slots.withLockedValue { slots in
      switch slots[answer.commandID] {
      case .waiting(let continuation):
        slots[answer.commandID] = .answered(answer)
        return continuation
      case .open: slots[answer.commandID] = .answered(answer)
      case .answered, .ended, nil: break
      }
      return nil
    }
    waiting?.resume(returning: answer)
  }

  private func wait(for id: EnvelopeID, _ continuation: CheckedContinuation<CommandAnswered?, Never>) {
    let known: CommandAnswered?? = slots.withLockedValue { slots in
      switch slots[id] {
      case .open:
        slots[id] = .waiting(continuation)
        return .none
      case .answered(let answer): return .some(answer)
      case .waiting, .ended, nil: return .some(nil)
      }
    }
    if case .some(let answer) = known { continuation.resume(returning: answer) }
  }

  private func end(_ id: EnvelopeID) {
    let waiting: CheckedContinuation<CommandAnswered?, Never>? = slots.withLockedValue { slots in
      switch slots[id] {
      case .waiting(let continuation):
        slots[id] = .ended
        return continuation
      case .open: slots[id] = .ended
      case .answered, .ended, nil: break
      }
      return nil
    }
    waiting?.resume(returning: nil)
  }
}
