import Foundation

/// Lets a script's thread wait a little for others.
func waitBriefly() { usleep(2000) }

/// Waits at most ten seconds until the condition holds.
func wait(until condition: () -> Bool) async throws {
  let deadline = ContinuousClock.now + .seconds(10)
  while !condition() {
    guard ContinuousClock.now < deadline else { throw TimedOut() }
    try await Task.sleep(for: .milliseconds(5))
  }
}

struct TimedOut: Error {}
