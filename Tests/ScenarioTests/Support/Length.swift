// Suites of stories share a stack.
@_exported import StackTrait

/// Long versions of the stories run where `SLUICE_LONG_TESTS` is set.
enum Length {
  static let isLong = Environment.isSet("SLUICE_LONG_TESTS")

  static func choose<Value>(_ short: Value, long: Value) -> Value { isLong ? long : short }
}
