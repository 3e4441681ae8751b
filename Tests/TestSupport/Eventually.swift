/// A condition did not come true in time.
public struct NeverTrue: Error, CustomStringConvertible {
  public let description: String
  public init(description: String) { self.description = description }
}

/// Waits until the condition holds. It is asked every 10 ms at first and more rarely later, at least once.
/// - Parameter what: Names the condition in the error: "the queue is empty".
/// - Throws: `NeverTrue` when the time is up, and what the condition throws.
public func eventually(
  within limit: Duration = .seconds(10), _ what: String = "the condition", _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + limit
  var pause = Duration.milliseconds(10)
  while true {
    if try await condition() { return }
    guard ContinuousClock.now < deadline else { throw NeverTrue(description: "not within \(limit): \(what)") }
    try await Task.sleep(for: pause)
    pause = min(pause * 1.5, .milliseconds(200))
  }
}
