import TestSupport
import Testing

/// One stack for all tests of a suite, one after another: `@Suite(.serialized, .stack(…))`.
public struct SharedStack: SuiteTrait, TestScoping {
  @TaskLocal private static var running: Stack?

  var options: StackOptions

  /// The stack of the suite that runs.
  public static var current: Stack {
    get throws { try #require(running, "the suite has no stack") }
  }

  public func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await withStack(options) { stack in
      try await Self.$running.withValue(stack) { try await function() }
    }
  }
}

extension Trait where Self == SharedStack {
  public static func stack(_ options: StackOptions = StackOptions()) -> SharedStack { SharedStack(options: options) }
}
