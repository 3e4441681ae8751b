import NIOConcurrencyHelpers

/// Collects what arrives into batches. Bounded by whoever fills it (a consumer's prefetch); one reader.
final class BatchBuffer<Element: Sendable>: Sendable {
  private let limits: BatchLimits
  private let size: @Sendable (Element) -> Int
  private let box = NIOLockedValueBox(State())

  private struct State {
    var waiting: [Element] = []
    var bytes = 0
    var isFinished = false
    /// Who waits, and whether for a full batch or for anything.
    var reader: (wantsFull: Bool, continuation: CheckedContinuation<Void, Never>)?

    /// The reader, when it need not wait any longer.
    mutating func awaited(_ limits: BatchLimits, always: Bool = false) -> CheckedContinuation<Void, Never>? {
      guard let reader else { return nil }
      let isFull = waiting.count >= limits.count || bytes >= limits.bytes
      guard always || isFinished || isFull || (!reader.wantsFull && !waiting.isEmpty) else { return nil }
      self.reader = nil
      return reader.continuation
    }
  }

  /// - Parameter size: An element's share of `BatchLimits.bytes`.
  init(limits: BatchLimits, size: @escaping @Sendable (Element) -> Int) {
    self.limits = limits
    self.size = size
  }

  func append(_ element: Element) {
    let bytes = size(element)
    let reader = box.withLockedValue { state in
      state.waiting.append(element)
      state.bytes += bytes
      return state.awaited(limits)
    }
    reader?.resume()
  }

  /// Nothing more will come.
  func finish() {
    let reader = box.withLockedValue { state in
      state.isFinished = true
      return state.awaited(limits)
    }
    reader?.resume()
  }

  /// The next batch: waits for a first element, then until the batch is full or the first has lingered.
  /// - Returns: `nil` when nothing is left and nothing more will come, or when cancelled.
  func next() async -> [Element]? {
    while !Task.isCancelled {
      await wait(untilFull: false)
      let (isEmpty, isFinished) = box.withLockedValue { ($0.waiting.isEmpty, $0.isFinished) }
      if isEmpty {
        if isFinished { return nil }
        continue
      }
      let timer = Task {
        try await Task.sleep(for: limits.linger)
        self.wake()
      }
      await wait(untilFull: true)
      timer.cancel()
      if !Task.isCancelled { return take() }
    }
    return nil
  }

  private func wait(untilFull: Bool) async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let reader = box.withLockedValue { state in
          state.reader = (untilFull, continuation)
          return state.awaited(limits, always: Task.isCancelled)
        }
        reader?.resume()
      }
    } onCancel: {
      wake()
    }
  }

  private func wake() {
    box.withLockedValue { $0.awaited(limits, always: true) }?.resume()
  }

  private func take() -> [Element] {
    box.withLockedValue { state in
      var count = 0
      var bytes = 0
      for element in state.waiting where count == 0 || (count < limits.count && bytes < limits.bytes) {
        count += 1
        bytes += size(element)
      }
      let batch = Array(state.waiting.prefix(count))
      state.waiting.removeFirst(count)
      state.bytes -= bytes
      return batch
    }
  }
}
