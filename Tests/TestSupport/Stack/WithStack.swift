import Foundation

/// Starts a stack, runs the body with it, and takes it down. One stack runs at a time: its times would not hold beside
/// another. When the body throws, the last lines of the logs are printed; with `SLUICE_KEEP_HOMES` set the folder stays.
public func withStack<Result: Sendable>(
  _ options: StackOptions = StackOptions(), _ body: (Stack) async throws -> Result
) async throws -> Result {
  await StackTurn.shared.take()
  do {
    let stack = try Stack(options)
    let result: Result
    do {
      try await stack.up()
      result = try await body(stack)
    } catch {
      FileHandle.standardError.write(Data("\(error)\n\(stack.logs())\n".utf8))
      try await end(stack)
      throw error
    }
    try await end(stack)
    await StackTurn.shared.giveBack()
    return result
  } catch {
    await StackTurn.shared.giveBack()
    throw error
  }
}

private func end(_ stack: Stack) async throws {
  if ProcessInfo.processInfo.environment["SLUICE_KEEP_HOMES"] == nil {
    try await stack.discard()
  } else {
    try await stack.keep()
    FileHandle.standardError.write(Data("kept: \(stack.home.path)\n".utf8))
  }
}

/// Lets one stack run at a time.
private actor StackTurn {
  static let shared = StackTurn()
  private var isTaken = false
  private var waiting: [CheckedContinuation<Void, Never>] = []

  func take() async {
    if !isTaken {
      isTaken = true
      return
    }
    await withCheckedContinuation { waiting.append($0) }
  }

  func giveBack() {
    if waiting.isEmpty {
      isTaken = false
    } else {
      waiting.removeFirst().resume()
    }
  }
}
