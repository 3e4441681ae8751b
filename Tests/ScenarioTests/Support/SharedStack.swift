import TestSupport
import Testing

/// One stack for all tests of a suite, one after another: `@Suite(.serialized, .stack(…))`.
struct SharedStack: SuiteTrait, TestScoping {
  @TaskLocal private static var running: Stack?

  var options: StackOptions

  /// The stack of the suite that runs.
  static var current: Stack {
    get throws { try #require(running, "the suite has no stack") }
  }

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await withStack(options) { stack in
      try await Self.$running.withValue(stack) { try await function() }
    }
  }
}

extension Trait where Self == SharedStack {
  static func stack(_ options: StackOptions = StackOptions()) -> SharedStack { SharedStack(options: options) }
}

/// Long versions of the stories run where `SLUICE_LONG_TESTS` is set.
enum Length {
  static let isLong = Environment.isSet("SLUICE_LONG_TESTS")

  static func choose<Value>(_ short: Value, long: Value) -> Value { isLong ? long : short }
}
